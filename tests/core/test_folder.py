"""Folders of files whose names callers choose."""

from pathlib import Path

import pytest

from confd_worker.core.files.folder import Folder, UploadLost

UPLOAD = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(str(tmp_path / "root"), "tenant", "category")


def _content(folder: Folder, filename: str) -> bytes:
    return folder.read(filename, 0, 100).content


def test_an_upload_is_placed_and_may_be_placed_again(folder: Folder, tmp_path: Path) -> None:
    for offset, block in ((0, b"abc"), (3, b"def"), (0, b"abc"), (3, b"de")):
        folder.write(UPLOAD, offset, block)
    for _ in range(2):
        with folder.uploaded(UPLOAD, 5) as file:
            assert file.read() == b"abcde"
        folder.place(UPLOAD, "a")
        assert _content(folder, "a") == b"abcde"
    assert [each.name for each in (tmp_path / "root" / ".uploads").iterdir()] == [f"{UPLOAD}.part"]
    for _ in range(2):
        folder.forget(UPLOAD)
    assert (_content(folder, "a"), folder.files()) == (b"abcde", ["a"])


def test_a_block_whose_predecessor_is_not_there_is_refused(folder: Folder) -> None:
    with pytest.raises(UploadLost):
        folder.write(UPLOAD, 3, b"def")
    folder.write(UPLOAD, 0, b"ab")
    with pytest.raises(UploadLost):
        folder.write(UPLOAD, 3, b"def")


def test_a_file_that_is_replaced_has_another_version(folder: Folder) -> None:
    versions = set()
    for _ in range(3):
        folder.write(UPLOAD, 0, b"same")
        folder.place(UPLOAD, "a")
        folder.forget(UPLOAD)
        versions.add(folder.read("a", 0, 0).version)
    assert len(versions) == 3


def test_a_folder_may_be_made_and_removed_again(folder: Folder) -> None:
    assert folder.files() == []
    for step in (folder.make, folder.make, folder.remove, folder.remove):
        step()
    with pytest.raises(FileNotFoundError):
        folder.read("a", 0, 1)


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/a", "a\0", ".a", "a" * 195, "\ud800"])
def test_no_name_leads_out(name: str, folder: Folder, tmp_path: Path) -> None:
    folder.make()
    folder.write(UPLOAD, 0, b"mine")
    for step in (lambda: folder.read(name, 0, 1), lambda: folder.delete(name), lambda: folder.place(UPLOAD, name)):
        with pytest.raises(FileNotFoundError):
            step()
    with pytest.raises(ValueError, match="no name for a folder"):
        Folder(str(tmp_path), name)
