"""Words left for a recorder: each is given once, when it is due, unless it was taken back; junk is removed."""

from __future__ import annotations

import json
import math
import os
import threading
import time
from pathlib import Path

import pytest

from ankle_imu.recording.inbox import MOST, NAME, Inbox, leave, take_back


def test_a_word_is_given_once_and_its_file_goes(tmp_path: Path) -> None:
    box = Inbox(tmp_path)
    assert box.take() == []
    leave(tmp_path, "a-1", "  roots\n and <b>stones</b>", leg="left", time_s=12.5)
    (left,) = box.take()
    assert (left.text, left.leg, left.time_s) == ("roots and <b>stones</b>", "left", 12.5)
    assert box.take() == box.take(everything=True) == []
    box.close()
    assert list(tmp_path.iterdir()) == []


def test_a_word_can_be_taken_back_until_it_is_due(tmp_path: Path) -> None:
    box, begun = Inbox(tmp_path), time.monotonic()
    leave(tmp_path, "a", "pain 3", keep_s=60.0)
    leave(tmp_path, "b", "pain 4", keep_s=60.0, ago_s=2.0)
    assert box.take() == []
    assert take_back(tmp_path, "a")
    assert not take_back(tmp_path, "a")
    (left,) = box.take(everything=True)
    assert left.text == "pain 4"
    assert math.isnan(left.time_s)
    assert begun - 2.1 <= left.said <= time.monotonic() - 1.9, "2 s before it was left"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"junk",
        b"[1]",
        b"{}",
        b'{"text": "x", "said": "soon", "due": 0}',
        b'{"text": "x", "said": NaN, "due": 0}',
        b'{"text": "\\u0000 \\n", "said": 0, "due": 0}',
        json.dumps({"text": "x" * 201, "said": 0, "due": 0}).encode(),
        json.dumps({"text": "x" * 100_000, "said": 0, "due": 0}).encode(),
        b"[" * 4000,
    ],
)
def test_junk_is_removed(content: bytes, tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    (tmp_path / NAME / "junk.json").write_bytes(content)
    (tmp_path / NAME / "folder.json").mkdir()
    (tmp_path / NAME / "other.txt").write_bytes(b"not ours")
    leave(tmp_path, "good", "stumble")
    box = Inbox(tmp_path)
    assert [left.text for left in box.take()] == ["stumble"]
    assert box.take() == []
    assert sorted(path.name for path in (tmp_path / NAME).iterdir()) == ["folder.json", "other.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_pipe_in_place_of_a_file_holds_nobody_up(tmp_path: Path) -> None:
    (tmp_path / NAME).mkdir()
    os.mkfifo(tmp_path / NAME / "a.json")
    leave(tmp_path, "b", "stumble")
    taken: list[str] = []
    taking = threading.Thread(
        target=lambda: taken.extend(left.text for left in Inbox(tmp_path).take()), daemon=True
    )
    taking.start()
    taking.join(20.0)
    assert taken == ["stumble"]


def test_a_flood_is_taken_in_turns(tmp_path: Path) -> None:
    box = Inbox(tmp_path)
    for n in range(2 * MOST + 1):
        leave(tmp_path, f"{n:03d}", f"word {n}")
    assert [len(box.take()) for _ in range(4)] == [MOST, MOST, 1, 0]
