"""Starts the guest, one boot for each file of `guest/`, and hands on what its pytest says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
GUEST_LIMIT = 20_000  # s of the guest's clock, which jumps over waits
GUEST_TESTS = sorted((HERE / "guest").glob("test_*.py"))
WALL_LIMIT = {False: 600, True: 3600}  # s, without and with --full; for a guest that hangs


@pytest.fixture(scope="module")
def kernel() -> str:
    """Path of the guest kernel; skips where there is none."""
    if sys.platform != "linux":
        pytest.skip(f"the guest needs Linux, this is {sys.platform}")
    found = subprocess.run([HERE / "build-image", "--find"], capture_output=True, text=True)
    if found.returncode:
        pytest.skip(f"{(found.stdout + found.stderr).strip()}; run tests/bluetooth_vm/build-image")
    return found.stdout.strip()


def boot(tests: Path, kernel: str, full: bool, out: Path) -> str:
    """Run one file of tests in a guest of its own; gives what it said, or fails with it."""
    python = [sys.executable, "-P", "-m", "pytest", "-p", "no:cacheprovider", "--color=no", "--durations=3"]
    command = [*python, *(["--full"] if full else []), str(tests.relative_to(ROOT))]
    wall = WALL_LIMIT[full]
    limits = ["-s", "-m", "1536", "-t", str(GUEST_LIMIT), "-w", str(wall), "-o", str(out)]
    done = subprocess.run(
        [HERE / "run-in-vm", *limits, "--", *command],
        cwd=ROOT,
        env={**os.environ, "VM_KERNEL": kernel, "VM_PASS_ENV": "ANKLE_IMU_SHARED"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=wall + 60,
    )
    if done.returncode == 0:
        return done.stdout
    log = out / "bluetoothd.log"
    told = log.read_text(errors="replace") if log.exists() else "no bluetoothd.log"
    return pytest.fail(f"{done.stdout}\n-- bluetoothd --\n{told[-5000:]}\nstatus {done.returncode}", pytrace=False)


@pytest.fixture(scope="module")
def guests(
    kernel: str, full: bool, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[Path, Future[str]]]:
    """All guests that are asked for, as many at once as there are processors for this worker of pytest-xdist."""
    asked = [
        i.callspec.params["tests"]
        for i in request.session.items
        if getattr(i, "callspec", None) and i.path == request.path
    ]
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 1) // workers)) as pool:
        yield {tests: pool.submit(boot, tests, kernel, full, tmp_path_factory.mktemp("out")) for tests in asked}


@pytest.mark.parametrize("tests", GUEST_TESTS, ids=lambda path: path.stem)
def test_in_the_guest(tests: Path, guests: dict[Path, Future[str]]) -> None:
    told = guests[tests].result()
    print(told)
    if not re.search(r"\d passed", told):
        reasons = re.findall(r"^SKIPPED \S+ \S+: (.+)$", told, re.MULTILINE)
        pytest.skip("; ".join(dict.fromkeys(reasons)))
