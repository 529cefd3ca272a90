"""A library into one file and back: nothing lost, nothing overwritten, whatever happens to the file."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
import tiny
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ankle_imu.errors import AnkleImuError, CorruptRecording, RecordingError
from ankle_imu.keeping import check_session, leftovers, restore_backup, sealing, write_backup
from ankle_imu.keeping.archive import Unpacked
from ankle_imu.keeping.contents import Wish
from ankle_imu.library import list_sessions, load_names, save_name
from ankle_imu.recording import RecordingWriter, sole_writer, write_sums

pyrage = pytest.importorskip("pyrage", reason="backups are encrypted by the extra `age`")


def ids(root: Path) -> list[str]:
    return [entry.session_id for entry in list_sessions(root)]


def test_all_comes_back(root: Path, tmp_path: Path) -> None:
    done = write_backup(root, tmp_path / "b.tar")
    assert (done.problems, done.omitted) == ((), ())
    back = restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert tiny.content(tmp_path / "new") == tiny.content(root)
    assert list(back.restored) == ids(root) == list(done.sessions)
    assert (back.damaged, back.refused, back.set_aside) == ((), (), None)
    assert set(back.files) == {"people/P-anna/person.toml", "sensors/A1.json", "sensors/B2.json"}
    assert {check_session(e.path).state for e in list_sessions(tmp_path / "new")} == {"ok"}
    assert leftovers(tmp_path / "new") == ()


def test_times_of_files_come_back(root: Path, tmp_path: Path) -> None:
    track = next(root.glob("people/*/*/*/track.gpx"))
    os.utime(track, (1.5e9, 1.5e9))
    write_backup(root, tmp_path / "b.tar")
    restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert next((tmp_path / "new").glob("people/*/*/*/track.gpx")).stat().st_mtime == 1.5e9


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions")
def test_it_is_for_its_owner_only(root: Path, tmp_path: Path) -> None:
    assert write_backup(root, tmp_path / "b.tar").path.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not shutil.which("tar") or not shutil.which("sha256sum"), reason="no tar or sha256sum here")
@pytest.mark.parametrize("is_bare", [False, True], ids=["all", "sessions alone"])
def test_people_can_unpack_and_check_it_without_us(root: Path, tmp_path: Path, is_bare: bool) -> None:
    if is_bare:
        shutil.rmtree(root / "sensors")
        (root / "people" / "P-anna" / "person.toml").unlink()
    write_backup(root, tmp_path / "b.tar")
    (tmp_path / "x").mkdir()
    subprocess.run(["tar", "xf", "../b.tar"], cwd=tmp_path / "x", check=True, capture_output=True)
    lists = [p.relative_to(tmp_path / "x") for p in (tmp_path / "x" / "sums").rglob("*.sha256")]
    assert len(lists) == 4
    subprocess.run(["sha256sum", "-c", "--strict", *lists], cwd=tmp_path / "x", check=True, capture_output=True)


def test_one_person_only(root: Path, tmp_path: Path) -> None:
    for path in root.glob("people/P-bert/*/*/session.toml"):
        path.write_text(path.read_text().replace('"A1"', '"B2"'))
    write_backup(root, tmp_path / "b.tar", alias="P-bert")
    restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert {entry.alias for entry in list_sessions(tmp_path / "new")} == {"P-bert"}
    assert [p.name for p in (tmp_path / "new" / "sensors").iterdir()] == ["B2.json"]
    with pytest.raises(RecordingError, match="holds no sessions of P-none"):
        write_backup(root, tmp_path / "c.tar", alias="P-none")
    assert not (tmp_path / "c.tar").exists()


def test_names_only_when_asked(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_name("P-anna", "Ana Žagar")
    write_backup(root, tmp_path / "without.tar")
    write_backup(root, tmp_path / "with.tar", with_names=True)
    assert "Žagar".encode() not in (tmp_path / "without.tar").read_bytes()
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "other"))
    save_name("P-bert", "Bert")
    assert restore_backup(tmp_path / "with.tar", tmp_path / "new").is_names
    assert load_names() == {"P-anna": "Ana Žagar", "P-bert": "Bert"}
    save_name("P-anna", "Anna")
    again = restore_backup(tmp_path / "with.tar", tmp_path / "new")
    assert load_names()["P-anna"] == "Anna"
    assert again.refused == ("P-anna has another name here, which stays.",)


def test_what_is_there_is_skipped_and_what_differs_stays(root: Path, tmp_path: Path) -> None:
    write_backup(root, tmp_path / "b.tar")
    first, second, third = (entry.path for entry in list_sessions(root))
    (first / "session.toml").write_text((first / "session.toml").read_text().replace("wet", "dry"))
    tiny.flip(second / "raw" / "part-0001.mcap", 900)
    shutil.rmtree(third)
    (root / "people" / "P-anna" / "person.toml").write_text("other = 1\n")
    before = tiny.content(root)
    back = restore_backup(tmp_path / "b.tar", root)
    assert back.skipped == ()
    assert back.restored == (third.name,)
    assert len(back.refused) == 3
    assert "person.toml differs" in back.refused[0]
    assert f"{first.name}: session.toml differs" in back.refused[1]
    assert second.name in back.refused[2]
    noted = root / "set-aside" / first.relative_to(root)
    assert [p.name for p in noted.rglob("*") if p.is_file()] == ["session.toml"]
    assert "wet" in (noted / "session.toml").read_text()
    after = tiny.content(root)
    assert {name: after[name] for name in before} == before
    kept = root / "set-aside" / second.relative_to(root) / "raw" / "part-0001.mcap"
    assert kept.read_bytes() != before[(second / "raw" / "part-0001.mcap").relative_to(root).as_posix()]
    assert check_session(root / "set-aside" / second.relative_to(root)).state == "ok"
    assert "from a backup" in leftovers(root)[0].what
    assert len(ids(root)) == 3


LOST = [
    "track.gpx",
    "session.toml",
    "events.toml",
    "raw/part-0001.mcap",
    "raw/SHA256SUMS",
    "raw/ärger im Wald.csv",
]


@pytest.mark.parametrize("lost", [*[[name] for name in LOST], LOST])
def test_what_a_session_lost_comes_back(root: Path, tmp_path: Path, lost: list[str]) -> None:
    first, second, third = (entry.path for entry in list_sessions(root))
    (first / "events.toml").write_text("format_version = 1\n")
    before = tiny.content(root)
    write_backup(root, tmp_path / "b.tar")
    for name in lost:
        (first / name).unlink()
    back = restore_backup(tmp_path / "b.tar", root)
    assert (back.skipped, back.refused, back.damaged) == ((second.name, third.name), (), ())
    (told,) = back.completed
    assert all(name in told for name in (first.name, *lost))
    assert tiny.content(root) == before
    assert check_session(first).state == "ok"
    assert leftovers(root) == ()
    assert restore_backup(tmp_path / "b.tar", root).completed == ()


def test_raw_files_that_come_back_get_their_sums(root: Path, tmp_path: Path) -> None:
    """Also of a restore that was killed before it made them."""
    first = list_sessions(root)[0].path
    write_backup(root, tmp_path / "b.tar")
    part = first / "raw" / "part-0001.mcap"
    data = part.read_bytes()
    part.unlink()
    write_sums(first, {"part-0001.mcap": None})
    part.write_bytes(data)
    restore_backup(tmp_path / "b.tar", root)
    assert check_session(first).extra == ()


def test_results_come_back_as_a_whole_or_not_at_all(root: Path, tmp_path: Path) -> None:
    first, second, _ = (entry.path for entry in list_sessions(root))
    for folder in (first, second):
        (folder / "derived" / "abc").mkdir(parents=True)
        (folder / "derived" / "abc" / "result.json").write_text("{}")
        (folder / "derived" / "abc" / "strides.parquet").write_bytes(b"old")
        (folder / "report.html").write_text("old")
    write_backup(root, tmp_path / "b.tar", wish=Wish(results=True))
    shutil.rmtree(first / "derived")
    (second / "derived" / "abc" / "strides.parquet").unlink()
    (second / "report.html").write_text("new")
    before = tiny.content(second)
    back = restore_backup(tmp_path / "b.tar", root)
    assert back.completed == (f"{first.name} lacked derived/abc; now it is there again.",)
    assert (first / "derived" / "abc" / "strides.parquet").read_bytes() == b"old"
    assert tiny.content(second) == before, "no mixture of two results"
    assert back.refused == ()


def test_a_trimmed_backup_gives_a_track_only_where_there_is_none(root: Path, tmp_path: Path) -> None:
    first = list_sessions(root)[0].path
    write_backup(root, tmp_path / "b.tar", wish=Wish(positions="trim", key=b"k" * 32))
    (first / "track.gpx").rename(first / "track.fit")
    assert restore_backup(tmp_path / "b.tar", root).completed == ()
    assert not (first / "track.gpx").exists()
    (first / "track.fit").unlink()
    assert "lacked track.gpx" in restore_backup(tmp_path / "b.tar", root).completed[0]


def test_a_file_in_the_way_of_a_folder_stays(root: Path, tmp_path: Path) -> None:
    first = list_sessions(root)[0].path
    write_backup(root, tmp_path / "b.tar")
    shutil.rmtree(first / "raw")
    (first / "raw").write_text("mine")
    back = restore_backup(tmp_path / "b.tar", root)
    assert "raw/part-0001.mcap" in back.refused[0]
    assert (first / "raw").read_text() == "mine"
    assert (root / "set-aside" / first.relative_to(root) / "raw" / "part-0001.mcap").exists()


def test_nothing_is_brought_into_a_running_recording(root: Path, tmp_path: Path) -> None:
    first = list_sessions(root)[0].path
    write_backup(root, tmp_path / "b.tar")
    (first / "track.gpx").unlink()
    with sole_writer(first):
        back = restore_backup(tmp_path / "b.tar", root)
    assert "is being recorded" in back.refused[0]
    assert not (first / "track.gpx").exists()


def test_a_session_that_is_being_recorded_is_left_out(root: Path, tmp_path: Path) -> None:
    folder = root / "people" / "P-anna" / "2026" / "2026-12-01T090000Z_abcd"
    folder.mkdir()
    with RecordingWriter(folder, start_ns=10**18):
        done = write_backup(root, tmp_path / "b.tar")
        assert done.problems == (f"{folder.name} is being recorded and was left out.",)
        assert check_session(folder).state == "being recorded"
    back = restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert len(back.restored) == 3
    assert "Not packed when the backup was made (1)" in back.damaged[0]


def test_damage_before_the_backup_is_told_and_kept(root: Path, tmp_path: Path) -> None:
    first = list_sessions(root)[0].path
    tiny.flip(first / "raw" / "part-0001.mcap", 700)
    done = write_backup(root, tmp_path / "b.tar")
    assert "raw/part-0001.mcap differs from its sum" in done.problems[0]
    back = restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert len(back.restored) == 3
    assert tiny.content(tmp_path / "new") == tiny.content(root)


# Damage to the backup


def intact(root: Path, there: Path) -> list[str]:
    """Sessions of a restored library, each the same in every file as in the first one."""
    for entry in list_sessions(there):
        assert tiny.content(entry.path) == tiny.content(root / entry.path.relative_to(there))
    return ids(there)


def test_a_line_lost_from_the_list_of_a_session_is_damage(root: Path, tmp_path: Path) -> None:
    """A flip in the list spoils one of its lines; the file of that line must not be dropped in silence."""
    backup, there = tmp_path / "b.tar", tmp_path / "new"
    write_backup(root, backup)
    data = backup.read_bytes()
    entry = list_sessions(root)[0]
    line = f"  {entry.path.relative_to(root).as_posix()}/session.toml\n".encode()
    at = data.index(line) - 1
    backup.write_bytes(data[:at] + b"g" + data[at + 1 :])
    back = restore_backup(backup, there)
    assert "damaged, missing or unlisted" in " ".join(back.damaged)
    assert intact(root, there) == list(back.restored)
    assert len(back.restored) == 2
    assert [path.name for path in there.glob("set-aside/people/*/*/*/session.toml")] == ["session.toml"]


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1), st.booleans())
def test_damage_costs_one_session_and_a_cut_what_follows(
    root: Path, tmp_path: Path, share: float, is_cut: bool
) -> None:
    backup, there = tmp_path / "b.tar", tmp_path / "new"
    if not backup.exists():
        write_backup(root, backup)
    data = backup.read_bytes()
    at = int(share * (len(data) - 1))
    spoilt = tmp_path / "spoilt.tar"
    spoilt.write_bytes(data[:at] if is_cut else data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    shutil.rmtree(there, ignore_errors=True)
    try:
        back = restore_backup(spoilt, there)
    except CorruptRecording:
        assert is_cut
        assert at < 20_000
        return
    came = intact(root, there)
    assert came == list(back.restored)
    if is_cut:
        ends = [e for e in session_ends(backup) if e <= at]
        assert len(came) >= len(ends)
        assert back.damaged or at >= max(session_ends(backup))
    else:
        assert len(came) >= 2
        assert back.damaged or len(came) == 3
    assert [item.what for item in leftovers(there) if "interrupted" in item.what] == []


def session_ends(backup: Path) -> list[int]:
    """Where the last file of each session ends."""
    ends: dict[str, int] = {}
    with tarfile.open(backup) as tar:
        for info in tar:
            if info.name.startswith("people/") and info.name.count("/") > 3:
                ends["/".join(info.name.split("/")[:4])] = info.offset_data + info.size
    return [*ends.values()]


def test_a_cut_backup_says_which_sessions_are_lost(root: Path, tmp_path: Path) -> None:
    write_backup(root, tmp_path / "b.tar")
    data = (tmp_path / "b.tar").read_bytes()
    (tmp_path / "b.tar").write_bytes(data[: session_ends(tmp_path / "b.tar")[0] + 5000])
    back = restore_backup(tmp_path / "b.tar", tmp_path / "new")
    first, second, third = ids(root)
    assert back.restored == (first,)
    told = " ".join(back.damaged)
    assert f"{second}: " in told
    assert f"Lost with the damaged part (1): {third}." in told
    assert "is cut off" in told


# Backups that mean harm


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for info, data in members:
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def evil(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, b"harm" if kind == tarfile.REGTYPE else b""


INSIDE = "people/P-a/2026/2026-11-01T090000Z_abcd"


@pytest.mark.parametrize(
    "member",
    [
        evil("../evil"),
        evil(f"{INSIDE}/raw/../../../../../evil"),
        evil("/tmp/ankle-evil"),
        evil(f"{INSIDE}/raw/link", tarfile.SYMTYPE, "/etc/passwd"),
        evil(f"{INSIDE}/raw/link", tarfile.LNKTYPE, "../../evil"),
        evil(f"{INSIDE}/raw/dev", tarfile.CHRTYPE),
        evil(f"{INSIDE}/raw/pipe", tarfile.FIFOTYPE),
        evil(f"{INSIDE}/raw/.unfinished-x"),
        evil("people/.unfinished-x/2026/2026-11-01T090000Z_abcd/raw/part-0001.mcap"),
        evil("people/P-a/2026/../raw/part-0001.mcap"),
        evil("config.toml"),
        evil("index.sqlite"),
        evil("people/P-a/evil.toml"),
    ],
    ids=lambda member: member[0].name.replace("/", ":"),
)
def test_nothing_leaves_the_library(member: tuple[tarfile.TarInfo, bytes], root: Path, tmp_path: Path) -> None:
    write_backup(root, tmp_path / "b.tar", alias="P-bert")
    data = (tmp_path / "b.tar").read_bytes()[: -2 * 512] + tar_of(member)
    (tmp_path / "evil.tar").write_bytes(data)
    before = set(tmp_path.rglob("*"))
    back = restore_backup(tmp_path / "evil.tar", tmp_path / "new")
    assert back.damaged
    assert len(back.restored) == 1
    made = set(tmp_path.rglob("*")) - before - {tmp_path / "new"}
    assert all(p.is_relative_to(tmp_path / "new") for p in made)
    assert [p for p in made if p.is_symlink() or "evil" in p.name or p.name == "index.sqlite"] == []
    assert not Path("/tmp/ankle-evil").exists()


def test_a_size_that_is_a_lie_takes_no_more_than_there_is(root: Path, tmp_path: Path) -> None:
    write_backup(root, tmp_path / "b.tar", alias="P-bert")
    info = tarfile.TarInfo(f"{INSIDE}/raw/part-0001.mcap")
    info.size = 1 << 50
    data = (tmp_path / "b.tar").read_bytes()[: -2 * 512] + info.tobuf(tarfile.GNU_FORMAT) + b"x" * 1000
    (tmp_path / "b.tar").write_bytes(data)
    back = restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert len(back.restored) == 1
    assert sum(len(d) for d in tiny.content(tmp_path / "new").values()) < len(data)
    sparse = tarfile.TarInfo("sums/library.sha256")
    sparse.type, sparse.size = tarfile.GNUTYPE_SPARSE, 0
    unpacked = Unpacked(io.BytesIO(sparse.tobuf(tarfile.GNU_FORMAT)))
    assert [*unpacked] == []
    assert len(unpacked.refused) == 1


@pytest.mark.parametrize(
    "data", [b"", b"nothing", b"\0" * 5000, b"PK\x03\x04" * 500, b"age-encryption.org/v1\n-> x"]
)
def test_no_backup_at_all(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "b.tar").write_bytes(data)
    with pytest.raises(RecordingError, match=r"b\.tar"):
        restore_backup(tmp_path / "b.tar", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_newer_format_is_not_guessed_at(root: Path, tmp_path: Path) -> None:
    write_backup(root, tmp_path / "b.tar")
    data = (tmp_path / "b.tar").read_bytes().replace(b'"format_version": 1', b'"format_version": 9', 1)
    (tmp_path / "b.tar").write_bytes(data)
    with pytest.raises(AnkleImuError, match="newer version"):
        restore_backup(tmp_path / "b.tar", tmp_path / "new")


# Encryption


def test_for_a_key(root: Path, tmp_path: Path) -> None:
    one, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    path = write_backup(root, tmp_path / "b.age", recipients=[str(one.to_public())]).path
    assert b"session.toml" not in path.read_bytes()
    with pytest.raises(sealing.WrongKey, match="--identity"):
        restore_backup(path, tmp_path / "new")
    with pytest.raises(sealing.WrongKey, match="does not open"):
        restore_backup(path, tmp_path / "new", identities=(str(other),))
    assert not (tmp_path / "new").exists()
    key = f"# created: today\n{one}\n"
    assert len(restore_backup(path, tmp_path / "new", identities=(key,)).restored) == 3
    assert tiny.content(tmp_path / "new") == tiny.content(root)


def test_what_age_itself_reads(root: Path, tmp_path: Path) -> None:
    """The whole file is one age file of a tar file, decrypted here in one go by the other library call."""
    key = pyrage.x25519.Identity.generate()
    path = write_backup(root, tmp_path / "b.age", recipients=[str(key.to_public())]).path
    with tarfile.open(fileobj=io.BytesIO(pyrage.decrypt(path.read_bytes(), [key]))) as tar:
        assert tar.getnames()[:2] == ["MANIFEST.json", "sums/library.sha256"]
        assert len([n for n in tar.getnames() if n.endswith("part-0001.mcap")]) == 3


def test_under_a_passphrase(root: Path, tmp_path: Path) -> None:
    path = write_backup(root, tmp_path / "b.tar", passphrase="four words are good").path
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["key.age", "backup.tar.age"]
        inner, locked = (tar.extractfile(name).read() for name in tar.getnames())  # type: ignore[union-attr]
    key = pyrage.x25519.Identity.from_str(pyrage.passphrase.decrypt(inner, "four words are good").decode().strip())
    assert pyrage.decrypt(locked, [key])[:13] == b"MANIFEST.json"
    with pytest.raises(sealing.WrongKey, match="passphrase does not open it"):
        restore_backup(path, tmp_path / "new", ask=lambda: "wrong")
    with pytest.raises(sealing.WrongKey, match="none was given"):
        restore_backup(path, tmp_path / "new")
    restore_backup(path, tmp_path / "new", ask=lambda: "four words are good")
    assert tiny.content(tmp_path / "new") == tiny.content(root)


@pytest.mark.parametrize("is_cut", [True, False])
def test_a_damaged_encrypted_backup_gives_what_stands_before(root: Path, tmp_path: Path, is_cut: bool) -> None:
    for k in range(12):
        raw = list_sessions(root)[0].path / "raw" / f"more-{k}.csv"
        raw.write_bytes(os.urandom(20_000))
    tiny.close(list_sessions(root)[0].path)
    key = pyrage.x25519.Identity.generate()
    path = write_backup(root, tmp_path / "b.age", recipients=[str(key.to_public())], alias="").path
    data = path.read_bytes()
    at = len(data) - 2000
    path.write_bytes(data[:at] if is_cut else data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    back = restore_backup(path, tmp_path / "new", identities=(str(key),))
    assert intact(root, tmp_path / "new") == list(back.restored)
    assert back.restored or back.set_aside
    assert any("decryption ends early" in told for told in back.damaged)
    assert any("Lost with the damaged part" in told for told in back.damaged)


@pytest.mark.parametrize("text", ["age1nonsense", "somebody", "ssh-ed25519 AAAA"])
def test_no_recipient(text: str, root: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is no recipient"):
        write_backup(root, tmp_path / "b.age", recipients=[text])
    assert not (tmp_path / "b.age").exists()


def test_how_to_install_age(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyrage", None)
    with pytest.raises(sealing.AgeMissing, match=r"pip install 'ankle-imu\[age\]'") as caught:
        write_backup(root, tmp_path / "b.age", recipients=["age1x"])
    assert caught.value.exit_code == 2
    assert write_backup(root, tmp_path / "b.tar").sessions


def test_a_refusing_disk_leaves_no_backup(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ankle_imu.errors import StorageError

    (tmp_path / "b.age").write_bytes(b"the one of last week")

    def refuse(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", refuse)
    key = pyrage.x25519.Identity.generate()
    with pytest.raises(StorageError, match="disk is full"):
        write_backup(root, tmp_path / "b.age", recipients=[str(key.to_public())])
    assert (tmp_path / "b.age").read_bytes() == b"the one of last week"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
