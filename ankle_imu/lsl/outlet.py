"""Samples and markers of a recording as streams of the Lab Streaming Layer.

One stream for each sensor, `ankle_imu left_foot`: acc x, y, z in m/s^2 and gyr x, y, z in rad/s, sensor frame,
of type IMU; and one of type Markers. A sample's time stamp is its own time, not that of its packet: the
sensor's count along the lower edge of the arrivals, see `streaming.arrivals`. The recording itself keeps more
exact times.

References
----------
Kothe et al., Imaging Neuroscience 2025, doi:10.1162/IMAG.a.136; metadata: github.com/sccn/xdf/wiki/Meta-Data.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import numpy as np

from ankle_imu.devices.adapter import Stream
from ankle_imu.devices.lsl import load_pylsl
from ankle_imu.streaming.arrivals import Arrivals

PUSH_S: Final = 0.02
"""Packets are gathered for so long before they are decoded and pushed (own choice: a tenth of what a radio
delays)."""
BACKLOG: Final = 4096
"""Packets that wait; those beyond are not pushed, and are recorded all the same."""
AXES: Final = ("acc_x", "acc_y", "acc_z", "gyr_x", "gyr_y", "gyr_z")
UNITS: Final = ("m/s^2",) * 3 + ("rad/s",) * 3


class Outlets:
    """The streams of one recording; a `capture.Listener`.

    Parameters
    ----------
    name : str, begins the name of every stream

    Raises
    ------
    ExtraMissing
        If pylsl or its liblsl is not there.
    """

    def __init__(self, name: str = "ankle_imu") -> None:
        self._pylsl = load_pylsl()
        self._name = name
        self._outlets: dict[str, Any] = {}
        self._arrivals: dict[str, Arrivals] = {}
        self._queue: deque[tuple[str, float, bytes]] = deque(maxlen=BACKLOG)
        self._offset = float("nan")
        self._elapsed: Callable[[], float] = lambda: float("nan")
        self._is_over = threading.Event()
        info = self._pylsl.StreamInfo(f"{name} markers", "Markers", 1, 0.0, "string", f"{name}-markers")
        self._markers = self._pylsl.StreamOutlet(info)
        self._thread = threading.Thread(target=self._keep_pushing, name="lsl-outlet", daemon=True)
        self._thread.start()

    def serve(self, elapsed: Callable[[], float]) -> None:
        """Take session time from here: s since the session began, from a clock that nothing steps."""
        self._elapsed = elapsed

    def begin(self, placement: str, stream: Stream) -> None:
        """See `capture.Listener.begin`."""
        self._arrivals[placement] = arrivals = Arrivals(stream.protocol, stream.config)
        if placement in self._outlets:
            return
        source = f"{self._name}-{placement}"
        info = self._pylsl.StreamInfo(
            f"{self._name} {placement}", "IMU", len(AXES), arrivals.rate, "float32", source
        )
        info.set_channel_labels(list(AXES))
        info.set_channel_units(list(UNITS))
        info.set_channel_types(["ACC"] * 3 + ["GYRO"] * 3)
        setup = info.desc().append_child("setup")
        setup.append_child_value("placement", placement)
        setup.append_child_value("frame", "sensor")
        self._outlets[placement] = self._pylsl.StreamOutlet(info)

    def take(self, placement: str, time_s: float, payload: bytes) -> None:
        """See `capture.Listener.take`."""
        self._measure_offset()
        self._queue.append((placement, time_s, payload))

    def mark(self, time_s: float, text: str) -> None:
        """See `capture.Listener.mark`."""
        self._measure_offset()
        self._markers.push_sample([text], time_s + self._offset)

    def end(self) -> None:
        """See `capture.Listener.end`."""

    def close(self) -> None:
        """Push what waits, and end the streams."""
        self._is_over.set()
        self._thread.join(5.0)
        self._outlets.clear()

    def _measure_offset(self) -> None:
        """LSL's clock minus session time, in the recorder's event loop; both are steady, so once is enough."""
        if math.isnan(self._offset):
            before, elapsed = self._pylsl.local_clock(), self._elapsed()
            self._offset = 0.5 * (before + self._pylsl.local_clock()) - elapsed

    def _keep_pushing(self) -> None:
        while not self._is_over.wait(PUSH_S):
            self._push()
        self._push()

    def _push(self) -> None:
        waiting: dict[str, list[tuple[float, bytes]]] = {}
        while self._queue:
            placement, time_s, payload = self._queue.popleft()
            waiting.setdefault(placement, []).append((time_s, payload))
        for placement, packets in waiting.items():
            time, acc, gyr = self._arrivals[placement].take(packets)
            if len(time):
                rows = np.column_stack([acc, gyr]).astype(np.float32)
                self._outlets[placement].push_chunk(rows, list(time + self._offset))
