"""Streams of the Lab Streaming Layer as sensors: what other programs send is recorded like any sensor.

A stream is found by its name. Its channels are told by their labels (`acc_x`, `AccX`, `Accelerometer X`, `gyr_x`,
`gyro y`, ...) and units (`g`, `m/s^2`, `deg/s`, `rad/s`); others, such as a magnetometer, are left out. A
packet is what one call handed over, each sample led by the sender's own time stamp; `wire.declared` reads it,
and the sender's clock is fitted like that of a sensor.

References
----------
Kothe et al., The lab streaming layer for synchronized multimodal recording, Imaging Neuroscience 2025,
doi:10.1162/IMAG.a.136; channel metadata: github.com/sccn/xdf/wiki/Meta-Data.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np

from ankle_imu.devices.adapter import Deliver, Identity, Link, Sighting, Stream, Wish
from ankle_imu.errors import ConnectionLost, DeviceNotFound, ExtraMissing, ProtocolError

MODEL: Final = "lsl"
PULL_S: Final = 0.1
"""Longest wait for samples in one call, and so the longest that a packet spans."""
MOST: Final = 512
OPEN_S: Final = 5.0

_KINDS: Final = (
    ("acc", re.compile(r"^(?:accelerometer|acceleration|accel|acc|a)$")),
    ("gyr", re.compile(r"^(?:gyroscope|gyro|gyr|angularvelocity|g|w)$")),
)
_UNITS: Final = {
    "acc": {"g": "g", "mg": "mg", "m/s^2": "m/s^2", "m/s2": "m/s^2", "m/s²": "m/s^2", "meters/second^2": "m/s^2"},
    "gyr": {"deg/s": "deg/s", "dps": "deg/s", "°/s": "deg/s", "degrees/second": "deg/s", "rad/s": "rad/s",
            "radians/second": "rad/s", "mdeg/s": "mdeg/s"},
}  # fmt: skip


def load_pylsl() -> Any:
    """The library.

    Raises
    ------
    ExtraMissing
        If it is not installed, or its liblsl cannot be loaded.
    """
    try:
        import pylsl
    except ImportError as error:
        raise ExtraMissing("The Lab Streaming Layer needs pylsl: pip install 'ankle-imu[lsl]'.") from error
    except (RuntimeError, OSError) as error:
        raise ExtraMissing(f"pylsl finds no liblsl that it can load ({error}); install liblsl.") from error
    return pylsl


def read_channels(labels: Sequence[str | None], units: Sequence[str | None]) -> tuple[list[int], dict[str, str]]:
    """Which channels are which axis, and their units.

    Parameters
    ----------
    labels, units : sequences of str or None, of all channels

    Returns
    -------
    list of int, dict
        Numbers of the channels acc x, y, z, gyr x, y, z (three where there is no gyroscope); units of acc and gyr.

    Raises
    ------
    ValueError
        That says what was found and what was expected.

    Examples
    --------
    >>> read_channels(["AccX", "AccY", "AccZ"], ["g", "g", "g"])
    ([0, 1, 2], {'acc': 'g'})
    """
    found: dict[str, int] = {}
    for number, label in enumerate(labels):
        name = _axis_name(label or "")
        if name in found:
            raise ValueError(f"Found two channels for {name}: {labels[found[name]]!r} and {label!r}.")
        if name:
            found[name] = number
    places, told = [], {}
    for kind in ("acc", "gyr"):
        axes = [f"{kind}_{axis}" for axis in "xyz" if f"{kind}_{axis}" in found]
        if not axes and kind == "gyr":
            continue
        if len(axes) < 3:
            named = ", ".join(str(label) for label in labels) or "none"
            raise ValueError(
                f"Found channels {named}; expected labels acc_x, acc_y, acc_z and gyr_x, gyr_y, gyr_z."
            )
        places += [found[axis] for axis in axes]
        said = {(units[found[axis]] or "").strip().lower() for axis in axes}
        known = [_UNITS[kind][unit] for unit in said if unit in _UNITS[kind]]
        if len(said) != 1 or not known:
            named = ", ".join(sorted(said - {""})) or "no unit"
            raise ValueError(f"Found {kind} in {named}; expected one of {', '.join(_UNITS[kind])}.")
        told[kind] = known[0]
    return places, told


def _axis_name(label: str) -> str:
    """`acc_x` ... for a label that means it, else empty."""
    words = re.sub(r"[^a-z]+", " ", re.sub(r"([a-z])([XYZ])\b", r"\1 \2", label).lower()).split()
    if len(words) < 2 or words[-1] not in "xyz":
        return ""
    kind = "".join(words[:-1])
    return next((f"{name}_{words[-1]}" for name, pattern in _KINDS if pattern.match(kind)), "")


class LslRadio:
    """Finds streams by their names, see `devices.adapter.Radio`."""

    def __init__(self) -> None:
        self._pylsl = load_pylsl()

    async def scan(self, seconds: float, *, is_enough: Callable[[Sighting], bool] | None = None) -> list[Sighting]:
        """See `devices.adapter.Radio.scan`; the identifier of a stream is its name."""
        loop = asyncio.get_running_loop()
        end, seen = loop.time() + seconds, dict[str, Sighting]()
        while True:
            found = await asyncio.to_thread(self._pylsl.resolve_streams, min(1.0, seconds))
            for info in found:
                seen[info.name()] = Sighting(identifier=info.name(), name=info.name(), handle=info)
                if is_enough and is_enough(seen[info.name()]):
                    return [*seen.values()]
            if loop.time() >= end:
                return [*seen.values()]

    async def connect(self, seen: Sighting, *, timeout: float) -> LslLink:
        """See `devices.adapter.Radio.connect`."""
        if seen.handle is None:
            raise DeviceNotFound(f"The stream {seen.identifier} was not seen.", identifier=seen.identifier)
        link = LslLink(seen.identifier, self._pylsl.StreamInlet(seen.handle, max_buflen=60, recover=False))
        try:
            await asyncio.to_thread(link.open, min(timeout, OPEN_S))
        except Exception as error:
            await link.close()
            raise ConnectionLost(f"{seen.identifier}: {error}", identifier=seen.identifier) from error
        return link

    async def release(self, identifier: str) -> bool:
        """See `devices.adapter.Radio.release`; nobody holds a stream."""
        return False


class LslLink:
    """One stream that is listened to, see `devices.adapter.Link`; it has no characteristics."""

    mtu = 0

    def __init__(self, identifier: str, inlet: Any) -> None:
        self.identifier = identifier
        self.info: Any = None
        self._inlet, self._loop = inlet, asyncio.get_running_loop()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, timeout: float) -> None:
        """Fetch what the stream tells of itself, and begin to listen. Blocks."""
        self.info = self._inlet.info(timeout)
        self._inlet.open_stream(timeout)

    def listen(self, receive: Callable[[Any, Any], None]) -> None:
        """Have `receive` called in the event loop with values (n, channels) and time stamps (n,) as they come."""
        self._thread = threading.Thread(target=self._pull, args=(receive,), name="lsl-inlet", daemon=True)
        self._thread.start()

    def _pull(self, receive: Callable[[Any, Any], None]) -> None:
        with suppress(RuntimeError):  # the event loop has ended
            try:
                while not self._is_over.is_set():
                    values, stamps = self._inlet.pull_chunk(timeout=PULL_S, max_samples=MOST, min_samples=1)
                    if len(stamps):
                        self._loop.call_soon_threadsafe(receive, np.asarray(values), np.asarray(stamps))
            except Exception as error:  # LostError, and whatever else the library has
                self._loop.call_soon_threadsafe(self._end, str(error) or type(error).__name__)

    def _end(self, reason: str) -> None:
        if not self._lost.done():
            self._lost.set_result(reason)

    def has(self, uuid: str) -> bool:
        """See `Link.has`."""
        return False

    async def read(self, uuid: str) -> bytes:
        """See `Link.read`."""
        raise ProtocolError("A stream has no characteristics.", identifier=self.identifier)

    async def write(self, uuid: str, data: bytes, *, response: bool = True) -> None:
        """See `Link.write`."""
        raise ProtocolError("A stream takes no commands.", identifier=self.identifier)

    async def subscribe(self, uuid: str, receive: Callable[[bytes], None]) -> None:
        """See `Link.subscribe`."""
        raise ProtocolError("A stream has no characteristics.", identifier=self.identifier)

    async def unsubscribe(self, uuid: str) -> None:
        """See `Link.unsubscribe`."""

    async def wait_lost(self) -> str:
        """See `Link.wait_lost`."""
        return await asyncio.shield(self._lost)

    async def close(self) -> None:
        """See `Link.close`."""
        self._end("closed by the host")
        self._is_over.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 2.0)
        with suppress(Exception):
            await asyncio.to_thread(self._inlet.close_stream)


class LslAdapter:
    """One stream, see `devices.adapter.Adapter`."""

    model = MODEL

    async def identify(self, link: Link) -> Identity:
        """Source id and type of the stream."""
        info = _lsl(link).info
        return Identity(serial=info.source_id() or info.name(), model=f"LSL {info.type()}".strip())

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Listen; rate and ranges are what the stream has."""
        stream = _lsl(link)
        labels, units = (
            given() or [] for given in (stream.info.get_channel_labels, stream.info.get_channel_units)
        )
        count = stream.info.channel_count()
        try:
            places, told = read_channels(_filled(labels, count), _filled(units, count))
        except ValueError as error:
            raise ProtocolError(f"{stream.identifier}: {error}", identifier=stream.identifier) from error

        def receive(values: Any, stamps: Any) -> None:
            rows = np.column_stack([stamps, values[:, places]]).astype("<f8")
            deliver("packet", rows.tobytes())

        config: dict[str, Any] = {
            "sample": ["time f64", "acc f64", *(["gyr f64"] if "gyr" in told else [])],
            "units": {**told, "time": "s"},
        }
        if stream.info.nominal_srate() > 0:
            config["nominal_rate_hz"] = float(stream.info.nominal_srate())
        stream.listen(receive)
        return Stream(protocol="declared", config=config)

    async def stop(self, link: Link) -> None:
        """Nothing is told to a stream; closing the link ends it."""

    async def battery(self, link: Link) -> float:
        """Not told by streams."""
        return float("nan")


def _lsl(link: Link) -> LslLink:
    if not isinstance(link, LslLink):
        raise ProtocolError("Only streams of the Lab Streaming Layer are read by this adapter.")
    return link


def _filled(given: Sequence[str | None], count: int) -> list[str | None]:
    return [*given, *[None] * (count - len(given))][:count]
