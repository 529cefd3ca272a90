"""What a column header says: quantity, axis, unit, whose it is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_UNIT_WORDS: Final = {
    "m/s^2": ("m/s^2", "m/s2", "m/s²", "ms-2", "ms^-2", "m s-2", "m s^-2", "m.s-2", "m*s^-2", "m/s/s", "mps2"),
    "g": ("g",),
    "mg": ("mg",),
    "rad/s": ("rad/s", "rad s-1", "rad s^-1", "rad*s^-1", "radps", "rads"),
    "deg/s": ("deg/s", "°/s", "dps", "deg s-1", "deg s^-1", "degree/s", "degrees/s", "deg/sec", "°/sec"),
    "mdeg/s": ("mdeg/s", "mdps", "m°/s"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "ms": ("ms", "msec", "millis", "milliseconds"),
    "us": ("us", "µs", "μs", "usec", "micros", "microseconds"),
    "ns": ("ns", "nsec", "nanos", "nanoseconds"),
}
_UNIT_OF: Final = {word: unit for unit, words in _UNIT_WORDS.items() for word in words}

_QUANTITY: Final = {
    "acc": ("acc", "accel", "accelerometer", "acceleration", "a"),
    "gyr": ("gyr", "gyro", "gyroscope", "angularvelocity", "angularrate", "omega", "w"),
    "time": ("time", "timestamp", "t", "elapsed", "secondselapsed", "elapsedtime"),
}
_QUANTITY_OF: Final = {word: quantity for quantity, words in _QUANTITY.items() for word in words}

_BRACKETED: Final = re.compile(r"(?P<name>.*?)[\s_]*[\[(](?P<unit>[^\])]*)[\])]\s*")
_AXIS: Final = re.compile(r"(?P<rest>.*?)[\s_.\-]*(?P<axis>[xyz])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Header:
    """A column header taken apart; "" where it does not tell."""

    quantity: str
    axis: str
    unit: str
    owner: str


def unit_of(text: str) -> str:
    """Our name of a unit as written, "" where it is none of ours.

    Examples
    --------
    >>> unit_of("m/s²"), unit_of("dps"), unit_of("furlong")
    ('m/s^2', 'deg/s', '')
    """
    return _UNIT_OF.get(text.strip().lower(), "")


def parse_header(text: str) -> Header:
    """Take a header apart; `quantity` is `acc`, `gyr`, `time` or "".

    Examples
    --------
    >>> parse_header("left_foot_acc_x [m/s^2]")
    Header(quantity='acc', axis='x', unit='m/s^2', owner='left_foot')
    >>> parse_header("Angular velocity Z(deg/s)").quantity
    'gyr'
    """
    bracketed = _BRACKETED.fullmatch(text)
    name, unit = (bracketed["name"], unit_of(bracketed["unit"])) if bracketed else _unit_at_end(text)
    whole = _quantity(name)
    if whole == "time":
        return Header(quantity="time", axis="", unit=unit, owner="")
    axis = _AXIS.fullmatch(name)
    if axis is None:
        return Header(quantity="", axis="", unit=unit, owner="")
    words = [word for word in re.split(r"[\s_.\-]+", axis["rest"].lower()) if word]
    for count in (2, 1):
        quantity = _QUANTITY_OF.get("".join(words[-count:]), "") if len(words) >= count else ""
        if quantity in ("acc", "gyr"):
            return Header(quantity=quantity, axis=axis["axis"].lower(), unit=unit, owner="_".join(words[:-count]))
    if axis["rest"].lower() == "g":  # ax ay az gx gy gz
        return Header(quantity="gyr", axis=axis["axis"].lower(), unit=unit, owner="")
    return Header(quantity="", axis="", unit=unit, owner="")


def _quantity(name: str) -> str:
    return _QUANTITY_OF.get(re.sub(r"[\s_.\-]+", "", name).lower(), "")


def _unit_at_end(text: str) -> tuple[str, str]:
    """`acc_x_mg`, `time_ms`: a unit as the last word of an otherwise understood name."""
    name, separator, last = text.strip().rpartition("_")
    unit = unit_of(last)
    is_rest_known = _quantity(name) == "time" or _AXIS.fullmatch(name) is not None
    return (name, unit) if separator and unit and is_rest_known else (text.strip(), "")
