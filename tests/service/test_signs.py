"""A word to systemd, a light, a file, a command."""

from __future__ import annotations

import asyncio
import json
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from simulated_time import run

from ankle_imu.service.notify import notify
from ankle_imu.service.signs import Signs, is_lit

TOLD: dict[str, Any] = {"state": "recording", "attention": [], "words": "recording"}


@pytest.fixture
def systemd() -> Iterator[tuple[socket.socket, str]]:
    if not hasattr(socket, "AF_UNIX"):
        pytest.skip("there are no such sockets here")
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        address = f"{folder}/notify"  # such paths must be short
        channel.bind(address)
        channel.settimeout(5.0)
        yield channel, address


def test_systemd_hears_it(systemd: tuple[socket.socket, str]) -> None:
    channel, address = systemd
    assert notify("READY=1", "STATUS=waiting für Sensoren", environ={"NOTIFY_SOCKET": address})
    assert channel.recv(1000).decode() == "READY=1\nSTATUS=waiting für Sensoren"


@pytest.mark.skipif(sys.platform != "linux", reason="names in the abstract space are Linux's")
def test_names_without_a_file_are_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("\0ankle-imu-test-notify")
        channel.settimeout(5.0)
        assert notify("WATCHDOG=1", environ={"NOTIFY_SOCKET": "@ankle-imu-test-notify"})
        assert channel.recv(100) == b"WATCHDOG=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_nobody_to_tell_is_no_failure(environ: dict[str, str]) -> None:
    assert not notify("READY=1", environ=environ)


@pytest.mark.parametrize(
    ("state", "attention", "flashes"),
    [("idle", False, 1), ("armed", False, 2), ("recording", False, 4), ("saved", False, 10), ("idle", True, 20)],
)
def test_flashes_in_four_seconds(state: str, attention: bool, flashes: int) -> None:
    lit = [is_lit(state, attention, n / 100 + 0.005) for n in range(-1, 400)]
    assert sum(now and not before for before, now in pairwise(lit)) == pytest.approx(flashes, abs=1)
    assert 0 < sum(lit) < len(lit)


def test_all_signs_at_once(tmp_path: Path) -> None:
    led, log = tmp_path / "brightness", tmp_path / "log"
    led.write_bytes(b"0")
    beep = tmp_path / "beep.py"
    beep.write_text(f"import sys; open({str(log)!r}, 'a').write(sys.argv[-1] + '\\n')")
    seen = set()

    async def work() -> None:
        signs = Signs(status_file=tmp_path / "status.json", led=led, command=f'"{sys.executable}" "{beep}" now')
        for state in ("idle", "idle", "recording", "recording"):
            signs.show({**TOLD, "state": state})
            for _ in range(8):
                await asyncio.sleep(0.3)
                seen.add(led.read_bytes()[:1])
            await asyncio.gather(*signs._errands)
        await signs.close()

    run(work())
    assert log.read_text().split() == ["idle", "recording"]
    assert json.loads((tmp_path / "status.json").read_text())["state"] == "recording"
    assert stat.S_IMODE((tmp_path / "status.json").stat().st_mode) & 0o444
    assert seen == {b"0", b"1"}
    assert led.read_bytes()[:1] == b"0", "it is put out at the end"


def test_signs_that_fail_hold_nobody_up(tmp_path: Path) -> None:
    async def work() -> None:
        (tmp_path / "file").write_text("")
        signs = Signs(
            status_file=tmp_path / "file" / "status.json",
            led=tmp_path / "none" / "led",
            command="/no/such/program",
        )
        signs.show(TOLD)
        await asyncio.sleep(1.0)
        await signs.close()

    run(work())
