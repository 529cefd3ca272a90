"""Files and folders are whole or not there."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
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


def gone(path: Path) -> Path:
    """A name that a process took which has ended, and whose parent has not asked for its end."""
    code = (
        f"from pathlib import Path; from ankle_imu.durable import aside_of; print(aside_of(Path({str(path)!r})))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = Path(process.stdout.readline().strip())
        process.stdout.read()
        end = time.monotonic() + 10.0
        while not durable.is_abandoned(found) and time.monotonic() < end:
            time.sleep(0.01)
        assert process.returncode is None, "not waited for yet"
    return found


def test_what_is_unfinished_tells_whether_somebody_still_writes_it(tmp_path: Path) -> None:
    own, removed = durable.aside_of(tmp_path / "a.txt"), durable.aside_of(tmp_path / "a.txt", "removed")
    assert own.name.startswith(durable.ASIDE)
    assert removed.name.startswith(f"{durable.ASIDE}removed-")
    assert own.name.endswith("-a.txt")
    assert own != durable.aside_of(tmp_path / "a.txt"), "two writers of one file"
    assert not durable.is_abandoned(own)
    assert not durable.is_abandoned(removed)
    left = gone(tmp_path / "a.txt")
    assert durable.is_abandoned(left)
    assert durable.is_abandoned(left.with_name(f"{left.name}-old"))


def test_what_another_computer_writes_is_left_alone_until_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr("platform.node", lambda: "elsewhere")
        other = durable.aside_of(tmp_path / "x")
    for left in (other, tmp_path / f"{durable.ASIDE}1234abcd-x"):
        left.mkdir()
        assert not durable.is_abandoned(left)
        long_ago = time.time() - durable.ABANDONED_S - 60.0
        os.utime(left, (long_ago, long_ago))
        assert durable.is_abandoned(left)
    assert not durable.is_abandoned(tmp_path / f"{durable.ASIDE}gone")


def test_a_long_name_can_be_written_aside(tmp_path: Path) -> None:
    path = tmp_path / ("long" * 60)
    assert durable.write_whole(path, b"all").read_bytes() == b"all"
