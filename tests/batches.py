"""What the tests of many sessions look at: jobs, files, worker processes."""

from __future__ import annotations

import json
from pathlib import Path

import psutil

from ankle_imu.batch import Job

SESSIONS = 4
"""Sessions in the library of `tests/batch`."""


def jobs_of(root: Path) -> list[Job]:
    return [Job(ref=path.name, path=str(path)) for path in sorted(root.glob("people/*/*/*"))]


def files_of(root: Path) -> dict[str, bytes]:
    """Every file of a library; of `result.json` all but the moment at which it was written."""
    found = {}
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        content = path.read_bytes()
        if path.name == "result.json":
            moment = json.dumps(json.loads(content)["written_utc"]).encode()
            assert content.count(moment) == 1
            content = content.replace(moment, b'""')
        found[path.relative_to(root).as_posix()] = content
    return found


def workers(mark: str) -> list[psutil.Process]:
    """Living child processes, of any generation, whose command line holds `mark`."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if mark in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found
