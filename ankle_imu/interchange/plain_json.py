"""JSON for other programs: numbers that are not known are null, since JSON has no NaN."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any


def json_text(content: Any, *, indent: int | None = 2) -> str:
    r"""Text of a JSON document; numpy's numbers and arrays are written as Python's.

    Examples
    --------
    >>> json_text({"speed": float("nan")}, indent=None)
    '{"speed": null}\n'
    """
    return json.dumps(_plain(content), indent=indent, allow_nan=False, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return [_plain(item) for item in value]
