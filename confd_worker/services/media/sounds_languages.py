"""The languages in which Asterisk has sounds."""

import re
from typing import Any

from confd_schemas.media.sounds_languages import sounds_languages

from ...plugin import Service, read
from . import ari

__all__ = ["SoundsLanguages"]

_TAG = re.compile(r"[a-zA-Z]{2,3}_[a-zA-Z]{2,3}")


class SoundsLanguages(Service):
    spec = sounds_languages

    @read
    def list(self, limit: Any = None, offset: Any = None) -> dict[str, Any]:
        """Those that have a country, such as `fr_FR`; all, whatever page is asked for."""
        self.options("list", {"limit": limit, "offset": offset})
        tags = {language for sound in ari.sounds(self.work.settings) for language in sound if _TAG.fullmatch(language)}
        return {"total": len(tags), "items": [{"tag": tag} for tag in sorted(tags)]}
