"""Import of an AX6 file against plain numpy reading the same bytes and unpacking them, in the same run.

Run as a script: `python tests/benchmarks/bench_import.py [minutes]` (default 60). Makes the file for the run.
The floor is `np.fromfile` of the bytes and six columns of floats in m/s^2 and rad/s, without time, checksum, loss
or gaps; the target is three times that. Asserts only that both give the same numbers.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from vendor_files import axivity_cwa

from ankle_imu.interchange import read
from ankle_imu.units import DEGREE, STANDARD_GRAVITY

ROUNDS = 25
TARGET = 3.0


def unpack(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The floor: bytes to two (n, 3) float arrays in SI units."""
    raw = np.fromfile(path, dtype=np.uint8)[1024:].reshape(-1, 512)
    samples = raw[:, 30:510].copy().view("<i2").reshape(-1, 6)
    acc = samples[:, 3:] * (STANDARD_GRAVITY / 2048)
    gyr = samples[:, :3] * (DEGREE * 2000 / 32768)
    return acc, gyr


def smallest(*calls: Callable[[], object]) -> list[float]:
    """Shortest time of each, s, taken in turns: whoever else uses the machine then disturbs all alike."""
    took: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for times, call in zip(took, calls, strict=True):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return [min(times) for times in took]


def main() -> None:
    """Print the ratio."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    n = int(minutes * 6000) // 40 * 40
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "walk.cwa"
        files = axivity_cwa(np.arange(n) / 100, rng.normal(0, 10, (n, 3)), rng.normal(0, 3, (n, 3)))
        path.write_bytes(files["walk.cwa"])
        acc, gyr = unpack(path)
        series = read(path, "left_foot").series
        np.testing.assert_allclose(series.acc, acc, rtol=1e-12)
        np.testing.assert_allclose(series.gyr, gyr, rtol=1e-12)
        ours, floor = smallest(lambda: read(path, "left_foot"), lambda: unpack(path))
        size = path.stat().st_size / 1e6
    print(
        f"AX6, {minutes:g} min, {size:.1f} MB: import {1e3 * ours:.1f} ms, numpy {1e3 * floor:.1f} ms, "
        f"ratio {ours / floor:.2f} (target {TARGET:g})"
    )


if __name__ == "__main__":
    main()
