"""`service` as commands; systemd is a fake, the recorder is not."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.cli import serving
from ankle_imu.recording import part_paths, read_log

Run = Callable[..., Any]
PLAN = """\
duration_s = 40
sampling_rate = 52
placements = ["left_foot"]
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd is Linux's")


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A systemd that notes what it is asked; gives the folder it keeps all in."""
    home = tmp_path / "systemd"
    (home / "run" / "systemd" / "system").mkdir(parents=True)
    (home / "units").mkdir()
    (home / "bin").mkdir()
    for name, body in (
        ("systemctl", f'echo "$@" >> "{home}/asked"; if [ "$1" = is-active ]; then echo active; fi'),
        ("journalctl", 'echo \'{"MESSAGE": "idle -> armed", "__REALTIME_TIMESTAMP": "7"}\''),
    ):
        program = home / "bin" / name
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(serving, "UNITS", home / "units")
    monkeypatch.setattr(serving, "RUN", home / "run")
    monkeypatch.setattr(serving, "_owner", lambda folder: "walker")
    return home


def test_install_and_uninstall(systemd: Path, ankle_imu: Run, tmp_path: Path) -> None:
    library = tmp_path / "walks"
    done = ankle_imu("service", "install", "--library", library, "--person", "P-abcd", "--rate", 104)
    assert done.code == 0, done.err
    unit = systemd / "units" / "ankle-imu.service"
    assert done.lines == [str(unit)]
    assert stat.S_IMODE(unit.stat().st_mode) == 0o644
    text = unit.read_text()
    assert "User=walker" in text
    assert "service run --person P-abcd --rate 104" in text
    assert library.is_dir()
    asked = (systemd / "asked").read_text().splitlines()
    assert asked == ["daemon-reload", "enable ankle-imu.service", "restart ankle-imu.service"]
    done = ankle_imu("service", "uninstall")
    assert done.code == 0
    assert not unit.exists()
    assert (systemd / "asked").read_text().splitlines()[3:] == ["disable --now ankle-imu.service", "daemon-reload"]
    ankle_imu("service", "uninstall").refuses(2, "no service")


def test_a_dry_run_changes_nothing(systemd: Path, ankle_imu: Run, tmp_path: Path) -> None:
    done = ankle_imu("service", "install", "--library", tmp_path / "walks", "--dry", "--json")
    assert "WatchdogSec=" in done.json["unit"]
    assert "[Service]" in ankle_imu("service", "install", "--library", tmp_path / "walks", "--dry").out
    assert not (systemd / "asked").exists()
    assert not (tmp_path / "walks").exists()


def test_what_cannot_be_is_refused(
    systemd: Path, ankle_imu: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ankle_imu("service", "install", "--led", "led").refuses(2, "absolute")
    ankle_imu("service", "install", "--person", "a/b").refuses(2, "alias")
    ankle_imu("service", "install", "--rate", "0").refuses(2, "--rate")
    ankle_imu("service", "logs", "--lines", "0").refuses(2, "--lines")
    monkeypatch.setattr(serving, "_owner", lambda folder: "root")
    ankle_imu("service", "install").refuses(2, "root", "--library")
    monkeypatch.setattr(serving, "_owner", lambda folder: "walker")
    monkeypatch.setattr(serving, "RUN", tmp_path / "nowhere")
    ankle_imu("service", "install").refuses(2, "systemd does not run here", "service run")
    monkeypatch.setattr(serving, "RUN", systemd / "run")
    monkeypatch.setattr(serving, "UNITS", systemd / "asked-file" / "x")
    (systemd / "asked-file").write_text("")
    ankle_imu("service", "install").refuses(6, "Only root", "sudo")


def test_logs(systemd: Path, ankle_imu: Run) -> None:
    assert ankle_imu("service", "logs", "--json").json["entries"] == [{"utc_us": "7", "text": "idle -> armed"}]
    assert "idle -> armed" in ankle_imu("service", "logs").out


def test_status_without_a_service(systemd: Path, ankle_imu: Run) -> None:
    assert "install" in ankle_imu("service", "status").err
    assert ankle_imu("service", "status", "--json").json["is_installed"] is False


def test_it_records_simulated_sensors_and_tells_its_state(systemd: Path, ankle_imu: Run, tmp_path: Path) -> None:
    plan, library = tmp_path / "short.toml", tmp_path / "walks"
    plan.write_text(PLAN)
    folder = systemd / "run" / "ankle-imu"
    folder.mkdir()
    root = Path(__file__).parents[2]
    env = {**os.environ, "PYTHONPATH": str(root), "RUNTIME_DIRECTORY": str(folder)}
    words = ["service", "run", "--simulate", str(plan), "--library", str(library), "--person", "P-run"]
    running = subprocess.Popen(
        [sys.executable, "-m", "ankle_imu.cli", *words], stderr=subprocess.PIPE, text=True, env=env
    )
    assert running.stderr is not None
    said = []
    try:
        for line in running.stderr:
            said.append(line.strip())
            if "armed -> recording" in line:
                break
        time.sleep(3.0)
        told = ankle_imu("service", "status", "--json").json
        shown = ankle_imu("service", "status").out
        running.send_signal(signal.SIGTERM)
        said += running.stderr.read().splitlines()
        assert running.wait(30) == 0
    finally:
        running.kill()
        running.wait()
        running.stderr.close()
    assert told["state"] == "recording"
    assert told["active"] == "active"
    assert told["sensors"][0]["placement"] == "left_foot"
    assert shown.startswith("Recording")
    assert "left foot" in shown
    assert "saved -> idle" in said
    (session,) = library.glob("people/P-run/*/*")
    assert told["session"] == str(session)
    log = read_log(part_paths(session))
    assert log.damage == ()
    assert sum(len(s.packets) for s in log.streams) > 20
    assert json.loads((folder / "status.json").read_text())["state"] == "idle"
