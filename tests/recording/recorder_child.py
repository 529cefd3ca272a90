"""A recorder to be killed: four sensors in real time; tells through a shared file what it has received.

    recorder_child.py FOLDER TOLD [LIMIT_BYTES]

TOLD becomes, in place: u64 number of packets received, f64 arrival of the last. With a limit, files may not grow
beyond it; the exit code is that of the error.
"""

from __future__ import annotations

import contextlib
import mmap
import struct
import sys
import time
from pathlib import Path

import numpy as np

from ankle_imu import manifest, recording
from ankle_imu.errors import StorageError
from ankle_imu.frames import PLACEMENTS
from ankle_imu.values import SessionInfo
from ankle_imu.wire import ankle

SECONDS = 30
RATE = 208.0


def packets() -> list[tuple[float, str, bytes]]:
    rng = np.random.default_rng(1)
    time_s = np.arange(int(SECONDS * RATE)) / RATE
    acc, gyr = rng.normal(0, 20, (len(time_s), 3)), rng.normal(0, 5, (len(time_s), 3))
    sent = ankle.encode(time_s, acc, gyr, acc_range_g=16.0, gyr_range_dps=2000.0)
    return sorted((arrival + i * 0.01, p, payload) for i, p in enumerate(PLACEMENTS) for arrival, payload in sent)


def main(folder: Path, told: Path, limit: int) -> int:
    started = time.time_ns()
    info = SessionInfo(alias="P-test", started_utc="2026-11-22T09:00:00Z", session_id=folder.name)
    recording.write_session_info(folder, info)
    config = {"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": RATE}
    coming = packets()
    with told.open("r+b") as file, mmap.mmap(file.fileno(), 16) as shared:
        if limit:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        writer = recording.RecordingWriter(folder, start_ns=started, session=manifest.to_toml(info))
        numbers = {p: writer.open_sensor(p, "ankle", config) for p in PLACEMENTS}
        begin = time.monotonic()
        try:
            for n, (due, placement, payload) in enumerate(coming, 1):
                if not limit:
                    time.sleep(max(0.0, begin + due - time.monotonic()))
                arrival = due if limit else time.monotonic() - begin
                writer.append(numbers[placement], arrival, payload)
                shared[:] = struct.pack("<Qd", n, arrival)
            writer.close()
        except StorageError as error:
            with contextlib.suppress(StorageError):
                writer.close()
            print(error, "--", writer.failure)
            return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0))
