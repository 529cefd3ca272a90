"""Words typed while a recording runs, on a pseudo terminal."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from virtual_air import VirtualAir

from ankle_imu.capture import Status
from ankle_imu.cli import run
from ankle_imu.cli.keyboard import typed_lines
from ankle_imu.cli.recording_view import draw
from ankle_imu.session_io import open_session

pytest.importorskip("termios", reason="terminals of this kind are not on this system")


@dataclass
class Typist:
    """The other end of a terminal, and what became of the words."""

    master: int
    slave: int
    taken: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)

    async def press(self, *keys: bytes) -> None:
        for some in keys:
            n = len(self.shown)
            os.write(self.master, some)
            async with asyncio.timeout(30):
                while len(self.shown) == n:
                    await asyncio.sleep(0.001)


@pytest.fixture
def typist(monkeypatch: pytest.MonkeyPatch) -> Iterator[Typist]:
    import pty

    master, slave = pty.openpty()
    with os.fdopen(slave, "r", closefd=False) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield Typist(master, slave)
    for end in (master, slave):
        try:
            os.close(end)
        except OSError:
            continue


def type_in(typist: Typist, *keys: bytes) -> None:
    async def work() -> None:
        with typed_lines(typist.taken.append, typist.shown.append):
            await typist.press(*keys)

    asyncio.run(work())


def test_lines_are_taken_and_mistakes_taken_back(typist: Typist) -> None:
    type_in(typist, b"roo", b"r\x7fts\n", b"oops\x15scree \r", b"half")
    assert typist.taken == ["roots", "scree"]
    assert typist.shown == ["roo", "", "", "half"]


@pytest.mark.parametrize("keys", [b"\x1b[A", b"\x1bOP", b"\x1b[1;5C", b"\x1b[3~", b"\x1b"])
def test_keys_that_are_no_letters_leave_no_trace(typist: Typist, keys: bytes) -> None:
    type_in(typist, b"ro" + keys + b"ots\n")
    type_in(typist, b"ro", *(keys[k : k + 1] for k in range(len(keys))), b"ots\n")
    assert typist.taken == ["roots", "roots"]


def test_a_letter_that_is_cut_is_whole(typist: Typist) -> None:
    word = "Wurzelstöcke – steil".encode()
    type_in(typist, *(word[k : k + 1] for k in range(len(word))), b"\n")
    assert typist.taken == ["Wurzelstöcke – steil"]


def test_a_terminal_that_goes_away_is_let_go(typist: Typist) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        failures: list[object] = []
        loop.set_exception_handler(lambda _, context: failures.append(context))
        with typed_lines(typist.taken.append, typist.shown.append):
            await typist.press(b"ro")
            os.close(typist.master)
            await asyncio.sleep(0.05)
            assert not loop.remove_reader(typist.slave), "it is still being read, over and over"
        assert failures == []

    asyncio.run(work())
    assert typist.shown == ["ro"]


def test_a_word_typed_too_early_marks_the_beginning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from contextlib import nullcontext
    from typing import Any

    def type_at_once(take: Any, _: object) -> Any:
        take("roots")
        return nullcontext()

    monkeypatch.setattr("ankle_imu.cli.keyboard.typed_lines", type_at_once)
    VirtualAir().patch(monkeypatch)
    assert run(["record", "--simulate", "default", "--duration", "5", "--out", str(tmp_path)]) == 0
    (marker,) = open_session(capsys.readouterr().out.strip()).markers
    assert marker.text == "roots"
    assert 0 <= marker.time_s < 2.0


def test_the_caption_says_what_a_word_marks() -> None:
    def caption(folder: Path | None) -> str:
        return str(draw(Status(elapsed_s=0.0, sensors=(), free_bytes=-1, folder=folder, markers=0)).caption)

    assert "to mark the beginning" in caption(None)
    assert "to mark the beginning" not in caption(Path("session"))
