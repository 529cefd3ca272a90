"""Numbers that a configuration tells, or a ValueError that says what is wrong with them."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any, TypeGuard


def is_positive(value: object) -> TypeGuard[int | float]:
    """Whether this is a positive number that a float can hold; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= sys.float_info.max


def read_positive(config: Mapping[str, Any], name: str, owner: str) -> float:
    """A positive number that `owner` cannot do without.

    Examples
    --------
    >>> read_positive({"acc_range_g": "16"}, "acc_range_g", "Protocol ankle")
    Traceback (most recent call last):
    ValueError: Protocol ankle needs config['acc_range_g'] as a positive number, found '16'.
    """
    value = config.get(name)
    if not is_positive(value):
        raise ValueError(f"{owner} needs config[{name!r}] as a positive number, found {value!r}.")
    return float(value)
