"""The options that asterisk's SIP stack knows, by section of its configuration."""

import gzip
import json
from functools import cache
from importlib.resources import files
from pathlib import Path

from ...plugin import errors

__all__ = ["option_names"]

# `type` says what a section is, and so is none of its options.
_NOT_AN_OPTION = "type"


@cache
def option_names(document: str | None) -> dict[str, tuple[str, ...]]:
    """Names of the options by section, sorted.

    Args:
        document: path of the description that asterisk installs (`pjsip.json.gz`); where there is none, the options of
            asterisk 22 hold (https://docs.asterisk.org, res_pjsip configuration).

    Raises:
        BadValue: the document cannot be read.
    """
    try:
        if document and Path(document).exists():
            sections = json.loads(gzip.decompress(Path(document).read_bytes()))
        else:
            sections = json.loads(files("confd_worker").joinpath("data/pjsip.json").read_text())
        return {name: tuple(sorted(set(options) - {_NOT_AN_OPTION})) for name, options in sections.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise errors.BadValue("failed to read PJSIP JSON documentation", category="") from error
