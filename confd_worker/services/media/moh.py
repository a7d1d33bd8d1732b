"""Music on hold, and the files that are played."""

import io
import re
import wave
from typing import Any, BinaryIO
from uuid import uuid4

from confd_schemas.media.moh import moh, moh_files

from ...models.media.moh import MOH
from ...models.system.tenant import Tenant
from ...plugin import (
    DAO,
    Example,
    FilesService,
    Folder,
    Notifier,
    ResourceService,
    Validator,
    Work,
    decoded,
    errors,
    read,
)

__all__ = ["MOHFiles", "MOHs", "dao"]

dao = DAO(MOH, moh, shown=str)

_RELOAD = ["moh reload"]
_RATES = (8000, 16000)
# Behind that much of other chunks no audio is looked for, as they are read one by one.
_HEAD = 256 * 1024


class CustomWithoutApplication(errors.InputError):
    """Music on hold of the mode custom comes from an application, and none is given."""

    type, text = "moh-custom-no-app", "custom mode must have an application"


def _folder(work: Work, name: str) -> Folder:
    return Folder(work.settings.moh_directory, name)


def _custom_has_application(work: Work, item: MOH) -> None:
    if item.mode == "custom" and item.application is None:
        raise CustomWithoutApplication()


class MOHs(ResourceService):
    spec = moh
    dao = dao
    validator = Validator(change=[_custom_has_application])
    notifier = Notifier.resource(
        "moh",
        "config.moh",
        lambda item: {"uuid": item.uuid, "tenant_uuid": item.tenant_uuid, "name": item.name},
        reload=_RELOAD,
    )
    example = Example({"label": "music {n}", "mode": "files"}, {"label": "changed"})

    @read
    def list(self, **parameters: Any) -> dict[str, Any]:
        """The music on hold of the caller's tenant, as `{"total": …, "items": […]}`."""
        found = decoded(self.dao.list(self.work, parameters))
        return found | {"items": [self._with_files(item) for item in found["items"]]}

    @read
    def get(self, id: Any) -> dict[str, Any]:
        """One music on hold."""
        return self._with_files(decoded(self.dao.show(self.work, id)))

    def _with_files(self, item: dict[str, Any]) -> dict[str, Any]:
        return item | {"files": [{"name": name} for name in _folder(self.work, item["name"]).files()]}

    def place(self, item: MOH) -> None:
        super().place(item)
        item.uuid = uuid4()
        # It becomes part of the name of a folder.
        slug = re.sub(r"[^A-Za-z0-9_-]", "", Tenant.slug_of(self.work.session, item.tenant_uuid))
        item.name = f"moh-{slug}-{item.uuid}"

    def add(self, fields: dict[str, Any]) -> MOH:
        item = super().add(fields)
        # An upload makes it as well.
        self.work.afterwards(_folder(self.work, item.name).make)
        return item

    def remove(self, item: MOH) -> None:
        super().remove(item)
        self.work.afterwards(_folder(self.work, item.name).remove)


class MOHFiles(FilesService):
    spec = moh_files
    parent = dao
    notifier = Notifier(reload={"put": _RELOAD, "deleted": _RELOAD})

    def folder(self, id: Any) -> Folder:
        return _folder(self.work, dao.value(self.work, id, "name"))

    def check(self, id: Any, file: BinaryIO) -> None:
        if dao.get(self.work, id).mode == "files":
            _check_wav(file.read(_HEAD))


def _check_wav(head: bytes) -> None:
    """Asterisk can play the WAV file that begins so.

    Raises:
        BadFields: it cannot.
    """
    try:
        with wave.open(io.BytesIO(head)) as audio:
            channels, width, rate = audio.getnchannels(), audio.getsampwidth(), audio.getframerate()
    except (wave.Error, EOFError, RuntimeError) as error:
        raise _refused(f'Not able to read audio file: "{str(error) or "unexpected end of file"}"') from None
    if channels != 1:
        raise _refused("Audio file should be mono")
    if rate not in _RATES:
        raise _refused("Audio file should have a sample rate of 8kHz or 16kHz")
    if width > 2:
        raise _refused("Audio file should have bit depth of no more than 16 bits")


def _refused(message: str) -> errors.BadFields:
    return errors.BadFields({"wav_file": [message]})
