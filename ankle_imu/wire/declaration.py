"""What a maker declares about packets: read, and refused in words that a maker understands (form: `declared`)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ankle_imu.wire.columns import ACC, GYR, SKIP, Units, check_names, read_number, read_units

UNITS: Final = {"acc": "g", "gyr": "deg/s", "time": "ms"}
TYPES: Final = {
    "u8": "u1",
    "i8": "i1",
    "u16": "u2",
    "i16": "i2",
    "u32": "u4",
    "i32": "i4",
    "f32": "f4",
    "f64": "f8",
}
CONSTANT: Final = "constant"

_FIELD: Final = re.compile(r"\s*(\w+)\s+(\w+)\s*(?:=\s*(\S+)\s*)?")
_AXES: Final = {"acc": ACC, "gyr": GYR}


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Layout of the packets.

    Parameters
    ----------
    header, sample : numpy dtype of each; fields `constant0 ...` and `skip0 ...` in either
    constants : value of each constant, by (header or sample, field)
    samples : int, in each packet; 0 as many as there are
    is_time_of_last : bool, a time in the header is that of the last sample
    counts_packets : bool, a counter in the header counts packets
    scale : mapping of acc and gyr to what one count is
    units : Units
    time_wrap, counter_wrap : float, counts after which they begin again; 0 never
    period : float, ticks per sample where a single packet leaves it open; NaN when not told
    """

    header: np.dtype[Any]
    sample: np.dtype[Any]
    constants: Mapping[tuple[str, str], float]
    samples: int
    is_time_of_last: bool
    counts_packets: bool
    scale: Mapping[str, float]
    units: Units
    time_wrap: float
    counter_wrap: float
    period: float

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Declaration:
        """The declaration that a mapping tells.

        Raises
        ------
        ValueError
            That says what was found and what was expected.
        """
        header, sample, constants = _read_fields(config)
        names = [*(header.names or ()), *(sample.names or ())]
        check_names([name for name in names if name.rstrip("0123456789") not in (CONSTANT, SKIP)])
        for name in (name for name in (*ACC, *GYR) if name in (header.names or ())):
            raise ValueError(f"Found {name} in the header; expected acc and gyr in `sample`.")
        units = read_units(config, UNITS)
        wraps = _read_wraps(config, header, sample)
        rate = read_number(config, "nominal_rate_hz", float("nan"))
        counts_packets = _one_of(config, "counts", ("packets", "samples")) == "packets"
        samples = _read_samples(config, has_packet_count=counts_packets and "counter" in (header.names or ()))
        return cls(
            header=header,
            sample=sample,
            constants=constants,
            samples=samples,
            is_time_of_last=_one_of(config, "time_of", ("first", "last")) == "last",
            counts_packets=counts_packets,
            scale=_read_scale(config),
            units=units,
            time_wrap=wraps["time"],
            counter_wrap=wraps["counter"],
            period=1.0 / (rate * units.time),
        )


def _read_fields(
    config: Mapping[str, Any],
) -> tuple[np.dtype[Any], np.dtype[Any], dict[tuple[str, str], float]]:
    """Layouts of header and sample, and the constants in them."""
    order = {"little": "<", "big": ">"}[_one_of(config, "endian", ("little", "big"))]
    constants: dict[tuple[str, str], float] = {}
    layouts = []
    for part in ("header", "sample"):
        told = config.get(part, ())
        if isinstance(told, str) or not isinstance(told, Sequence):
            raise ValueError(
                f'Found {part} = {told!r}; expected a list of fields such as ["time u32", "acc i16"].'
            )
        fields: list[tuple[str, str]] = []
        for text in told:
            name, kind, value = _read_field(text, part)
            for each in _AXES.get(name, (name,)):
                unique = f"{each}{len(fields)}" if each in (SKIP, CONSTANT) else each
                if unique in dict(fields):
                    raise ValueError(f"Found {each} twice in {part}; expected it once.")
                fields.append((unique, order + TYPES[kind]))
                if value:
                    constants[part, unique] = _read_constant(value, kind, text)
        layouts.append(np.dtype(fields))
    if not layouts[1].itemsize:
        raise ValueError('Found no sample; expected its fields, such as sample = ["acc i16", "gyr i16"].')
    return layouts[0], layouts[1], constants


def _read_field(text: object, part: str) -> tuple[str, str, str]:
    found = _FIELD.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f'Found {text!r} in {part}; expected "name type", such as "acc_x i16".')
    name, kind, value = found[1], found[2], found[3] or ""
    known = [*_AXES, *ACC, *GYR, "time", "counter", SKIP, CONSTANT]
    if name not in known:
        raise ValueError(f"Found field {name!r} in {part}; expected one of {', '.join(known)}.")
    if kind not in TYPES:
        raise ValueError(f"Found type {kind!r} of {name} in {part}; expected one of {', '.join(TYPES)}.")
    if (name == CONSTANT) != bool(value):
        raise ValueError(
            f'Found {text!r} in {part}; expected a value after a constant, such as "constant u8 = 0xA5".'
        )
    return name, kind, value


def _read_constant(value: str, kind: str, text: str) -> float:
    try:
        number = float(value) if kind.startswith("f") else int(value, 0)
    except ValueError:
        raise ValueError(f"Found {text!r}; expected a number such as 0xA5 or 165 after `=`.") from None
    if not kind.startswith("f"):
        limits = np.iinfo(TYPES[kind])
        if not limits.min <= number <= limits.max:
            raise ValueError(f"Found {text!r}; expected {limits.min} to {limits.max}, which {kind} holds.")
    return number


def _one_of(config: Mapping[str, Any], name: str, known: tuple[str, ...]) -> str:
    value = config.get(name, known[0])
    if value not in known:
        raise ValueError(f"Found {name} = {value!r}; expected {' or '.join(map(repr, known))}.")
    return str(value)


def _table(config: Mapping[str, Any], name: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    told = config.get(name, {})
    if not isinstance(told, Mapping) or set(told) - set(known):
        raise ValueError(f"Found {name} = {told!r}; expected a table with {' and '.join(known)}.")
    return told


def _read_scale(config: Mapping[str, Any]) -> dict[str, float]:
    told = _table(config, "scale", ("acc", "gyr"))
    return {name: read_number(told, name, 1.0) for name in ("acc", "gyr")}


def _read_wraps(config: Mapping[str, Any], header: np.dtype[Any], sample: np.dtype[Any]) -> dict[str, float]:
    told = _table(config, "wrap", ("time", "counter"))
    wraps = {}
    for name in ("time", "counter"):
        kinds = [layout[name] for layout in (header, sample) if name in (layout.names or ())]
        by_type = 2.0 ** (8 * kinds[0].itemsize) if kinds and kinds[0].kind in "ui" else 0.0
        wraps[name] = 0.0 if told.get(name) == 0 else read_number(told, name, by_type)
    return wraps


def _read_samples(config: Mapping[str, Any], *, has_packet_count: bool) -> int:
    samples = config.get("samples", 0)
    if isinstance(samples, bool) or not isinstance(samples, int) or not 0 <= samples <= 255:
        raise ValueError(f"Found samples = {samples!r}; expected 1 to 255, or nothing for as many as there are.")
    if has_packet_count and not samples:
        raise ValueError(
            "Found a counter of packets and no number of samples: lost ones could not be counted; "
            "expected `samples`, or counts = 'samples'."
        )
    return samples
