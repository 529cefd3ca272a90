"""Whatever is done in whatever order, and killed at any moment: no raw file is lost that was not removed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tiny
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from ankle_imu.durable import ASIDE
from ankle_imu.keeping import (
    check_session,
    leftovers,
    remove_person,
    remove_results,
    remove_session,
    restore_backup,
    write_backup,
)
from ankle_imu.library import list_sessions
from ankle_imu.recording.lock import NAME as LOCK
from ankle_imu.recording.sums import SUMS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process is killed in mid-work by way of fork")

PEOPLE = ("P-anna", "P-bert")
START = datetime(2026, 11, 1, 9, tzinfo=UTC)


def killed_after(steps: int, work: Callable[[], object]) -> bool:
    """Do it in a child process that dies, as of kill -9, after `steps` changes of the disk; whether it did."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forking with threads: those of the recorder have ended
        child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    left = steps

    def watch(event: str, args: tuple[object, ...]) -> None:
        nonlocal left
        writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if writes or event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.utime"):
            left -= 1
            if left < 0:
                os._exit(9)

    code = 1
    with contextlib.suppress(BaseException):
        sys.addaudithook(watch)
        work()
        code = 0
    os._exit(code)


Raw = dict[str, bytes]


def raw_of(folder: Path) -> Raw:
    return {n: d for n, d in tiny.content(folder / "raw").items() if n != SUMS and ASIDE not in n}


class Keeping(RuleBasedStateMachine):
    """A library beside a model of it: place of each session -> its raw files, as they were recorded or spoilt."""

    backups = Bundle("backups")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="keeping-"))
        self.root = self.folder / "library"
        self.model: dict[str, Raw] = {}
        self.spoilt: set[str] = set()
        self.day = self.backups_made = 0
        os.environ["ANKLE_IMU_CONFIG"] = str(self.folder / "config")

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    def place(self, folder: Path) -> str:
        return folder.relative_to(self.root).as_posix()

    def pick(self, share: float) -> str | None:
        places = sorted(self.model)
        return places[int(share * (len(places) - 1))] if places else None

    @rule(person=st.sampled_from(PEOPLE), packets=st.integers(1, 60), has_track=st.booleans())
    def record(self, person: str, packets: int, has_track: bool) -> None:
        self.day += 1
        folder = tiny.session(self.root, person, START + timedelta(days=self.day), packets=packets)
        if has_track:
            (folder / "track.gpx").write_bytes(tiny.TRACK)
        (folder / "derived" / "abc").mkdir(parents=True)
        (folder / "derived" / "abc" / "result.json").write_text("{}")
        (folder.parents[1] / "person.toml").write_text(f'note = "{person}"\n')
        self.model[self.place(folder)] = raw_of(folder)

    @rule(share=st.floats(0, 1), kill=st.integers(0, 12))
    def remove(self, share: float, kill: int) -> None:
        place = self.pick(share)
        if place is None:
            return
        was_killed = killed_after(kill, lambda: remove_session(self.root / place))
        if not (self.root / place).exists():
            del self.model[place]
            self.spoilt.discard(place)
            if was_killed:
                self.finish_leftovers(Path(place).name)
        else:
            assert was_killed

    @rule(person=st.sampled_from(PEOPLE), kill=st.integers(0, 12))
    def remove_somebody(self, person: str, kill: int) -> None:
        if not (self.root / "people" / person).exists():
            return
        was_killed = killed_after(kill, lambda: remove_person(self.root, person))
        if not (self.root / "people" / person).exists():
            gone = {place for place in self.model if place.startswith(f"people/{person}/")}
            self.model = {place: raw for place, raw in self.model.items() if place not in gone}
            self.spoilt -= gone
            if was_killed:
                self.finish_leftovers(person)
        else:
            assert was_killed

    def finish_leftovers(self, name: str) -> None:
        """What a kill left of a removal has a name that says so, and can be deleted."""
        left = [item for item in leftovers(self.root) if "was being removed" in item.what]
        assert all(item.path.name.endswith((name, "-derived")) for item in left)
        for item in left:
            shutil.rmtree(item.path)

    @rule(share=st.floats(0, 1), kill=st.integers(0, 6))
    def remove_what_was_calculated(self, share: float, kill: int) -> None:
        place = self.pick(share)
        if place is not None:
            killed_after(kill, lambda: remove_results(self.root / place))

    @rule(share=st.floats(0, 1), at=st.integers(0, 10_000))
    def flip(self, share: float, at: int) -> None:
        place = self.pick(share)
        if place is not None and place not in self.spoilt:
            tiny.flip(self.root / place / "raw" / "part-0001.mcap", at)
            self.model[place] = raw_of(self.root / place)
            self.spoilt.add(place)

    @rule(share=st.floats(0, 1), kill=st.integers(0, 3))
    def forget_sums(self, share: float, kill: int) -> None:
        """As of a recorder that was killed: no sums; and a check that is killed while it makes them."""
        place = self.pick(share)
        if place is not None and place not in self.spoilt:
            (self.root / place / "raw" / SUMS).unlink()
            killed_after(kill, lambda: check_session(self.root / place))
            assert check_session(self.root / place).state in ("ok", "no sums")

    @rule()
    def verify(self) -> None:
        found = {self.place(e.path): check_session(e.path).state for e in list_sessions(self.root)}
        assert found == {place: "damaged" if place in self.spoilt else "ok" for place in self.model}

    @rule(target=backups, kill=st.integers(0, 40))
    def back_up(self, kill: int) -> object:
        """A backup has its name when all of it is there; of a killed one there is none."""
        if not self.model:
            return multiple()
        self.backups_made += 1
        path = self.folder / f"{self.backups_made}.tar"
        if killed_after(kill, lambda: write_backup(self.root, path)) and not path.exists():
            return multiple()
        return path.name, dict(self.model), frozenset(self.spoilt)

    @rule(backup=backups, kill=st.integers(0, 80), is_flipped=st.booleans(), at=st.floats(0, 1))
    def restore_elsewhere(
        self, backup: tuple[str, dict[str, Raw], frozenset[str]], kill: int, is_flipped: bool, at: float
    ) -> None:
        """Into a new library, of an archive that may be damaged, killed: what has a name is whole."""
        name, held, _ = backup
        path, there = self.folder / "copy.tar", self.folder / "elsewhere"
        shutil.rmtree(there, ignore_errors=True)
        shutil.copy(self.folder / name, path)
        if is_flipped:
            tiny.flip(path, int(at * (path.stat().st_size - 1)))
        for steps in (kill, 10_000):
            killed_after(steps, lambda: restore_backup(path, there))
            found = {entry.path.relative_to(there).as_posix(): entry.path for entry in list_sessions(there)}
            assert {place: raw_of(folder) for place, folder in found.items()} == {p: held[p] for p in found}
        assert len(found) >= len(held) - is_flipped
        restore_backup(self.folder / name, there)
        assert {p: raw_of(there / p) for p in held} == held

    @rule()
    def restore_all(self) -> None:
        """All of it packed, and restored into a new library, is the same."""
        if not self.model:
            return
        there = self.folder / "there"
        shutil.rmtree(there, ignore_errors=True)
        write_backup(self.root, self.folder / "now.tar")
        restore_backup(self.folder / "now.tar", there)
        assert {p: raw_of(there / p) for p in self.model} == self.model
        for entry in list_sessions(there):
            ours = tiny.content(self.root / entry.path.relative_to(there))
            left_out = {n for n in ours if n.startswith("derived/") or ASIDE in n or n == LOCK}
            assert tiny.content(entry.path) == {n: d for n, d in ours.items() if n not in left_out}
        for person in PEOPLE:
            path = f"people/{person}/person.toml"
            if (self.root / path).exists():
                assert (there / path).read_bytes() == (self.root / path).read_bytes()

    @rule(backup=consumes(backups), kill=st.integers(0, 60), is_flipped=st.booleans(), at=st.floats(0, 1))
    def restore(
        self, backup: tuple[str, dict[str, Raw], frozenset[str]], kill: int, is_flipped: bool, at: float
    ) -> None:
        """Into the library itself, killed in the middle, of an archive that may be damaged."""
        name, held, spoilt = backup
        path = self.folder / "copy.tar"
        shutil.copy(self.folder / name, path)
        if is_flipped:
            tiny.flip(path, int(at * (path.stat().st_size - 1)))
        before = {place: raw_of(self.root / place) for place in self.model}
        killed_after(kill, lambda: restore_backup(path, self.root))
        for place, raw in before.items():
            assert raw_of(self.root / place) == raw
        for entry in list_sessions(self.root):
            place = self.place(entry.path)
            if place not in self.model:
                self.model[place] = raw_of(entry.path)
                if place in held:
                    assert self.model[place] == held[place]
                if check_session(entry.path).state == "damaged":
                    self.spoilt.add(place)
                    assert place in spoilt or place not in held
        for item in leftovers(self.root):
            if "interrupted" in item.what:
                shutil.rmtree(item.path) if item.path.is_dir() else item.path.unlink()
        shutil.rmtree(self.root / "set-aside", ignore_errors=True)

    @invariant()
    def nothing_is_lost(self) -> None:
        there = {self.place(entry.path) for entry in list_sessions(self.root)}
        assert there == set(self.model)
        for place, raw in self.model.items():
            assert raw_of(self.root / place) == raw


TestKeeping = Keeping.TestCase
TestKeeping.settings = settings(
    max_examples=15, stateful_step_count=20, deadline=None, phases=[p for p in Phase if p is not Phase.shrink]
)
"""Not made smaller when it fails: each step writes to the disk, and that took five minutes."""
