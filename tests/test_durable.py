"""Files and folders are whole or not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ankle_imu import durable
from ankle_imu.errors import StorageError


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def test_write_whole_replaces_all_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.txt"
    durable.write_whole(path, b"long old content")
    durable.write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(path.parent) == ["a.txt"]


def test_full_disk_keeps_the_old_file_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = durable.write_whole(tmp_path / "a.txt", b"old")

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StorageError, match="disk is full") as caught:
        durable.write_whole(path, b"new")
    assert caught.value.exit_code == 6
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a.txt"]


def test_a_file_has_its_name_only_when_whole(tmp_path: Path) -> None:
    target = durable.write_whole(tmp_path / "a.bin", b"old")

    def fill_and_fail() -> None:
        with durable.whole_file(target) as file:
            file.write(b"half")
            assert target.read_bytes() == b"old"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_and_fail()
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_a_file_can_be_for_its_owner_only(tmp_path: Path) -> None:
    path = durable.write_whole(tmp_path / "a.txt", b"secret", mode=0o600)
    assert path.stat().st_mode & 0o777 == 0o600
    assert durable.write_whole(tmp_path / "b.txt", b"").stat().st_mode & 0o600 == 0o600


def test_folder_has_its_name_only_when_whole(tmp_path: Path) -> None:
    target = tmp_path / "people" / "result"

    def fill_and_fail() -> None:
        with durable.whole_folder(target) as folder:
            (folder / "half.txt").write_text("half")
            assert not target.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fill_and_fail()
    assert names(target.parent) == []


def test_whole_folder_replaces_an_older_one(tmp_path: Path) -> None:
    target = tmp_path / "result"
    for name in ("old.txt", "new.txt"):
        with durable.whole_folder(target) as folder:
            (folder / name).write_text(name)
    assert names(target) == ["new.txt"]
    assert names(tmp_path) == ["result"]
