"""The entry point of one worker process: `python -m confd_worker.worker_process NAME [SERVICE…]`.

A module of its own, since nothing may be imported before eventlet has patched the standard library.
"""

import warnings

warnings.filterwarnings("ignore", r"\s*Eventlet is deprecated")

import eventlet  # noqa: E402

eventlet.monkey_patch()

import sys  # noqa: E402

__all__ = ["main"]


def main(name: str, services: list[str]) -> int:
    """Host the services until SIGTERM; the status to exit with, 2 when the settings are wrong."""
    from . import host, log
    from .config import SettingsError, load
    from .core.plugin.discovery import UnknownPlugin

    try:
        settings = load()
        settings.require("db_uri", "amqp_uri")
        log.configure(settings.log_level, settings.log_format, process=name)
        host.main(settings, services or settings.services)
    except SettingsError as error:
        print(*(f"Error: {problem}" for problem in error.problems), sep="\n", file=sys.stderr)
        return 2
    except UnknownPlugin as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
