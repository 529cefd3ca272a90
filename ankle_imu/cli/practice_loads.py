"""What `--load` says of practice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

LOADS: Final = "ankle-weight:KG, band, water, body:SHARE (0 to 1), blanket:CM"
"""What `--load` takes."""


def parse_load(texts: Sequence[str]) -> dict[str, Any]:
    """Fields of a step from `--load`.

    Examples
    --------
    >>> parse_load(["ankle-weight:1.5", "blanket:10"])
    {'load': 'ankle_weight', 'load_kg': 1.5, 'deload_cm': 10.0}
    """
    found: dict[str, Any] = {}
    for text in texts:
        name, _, value = text.partition(":")
        kinds = {
            "ankle-weight": ("load_kg", 0.0, 50.0, {"load": "ankle_weight"}),
            "body": ("body_share", 0.0, 1.0, {"load": "body_weight"}),
            "blanket": ("deload_cm", 0.0, 60.0, {}),
        }
        if text in ("band", "water"):
            _add(found, text, load=text)
            continue
        if name not in kinds:
            raise ValueError(f"--load {text!r} is unknown; expected {LOADS}.")
        field, low, high, also = kinds[name]
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise ValueError(f"--load {text!r} needs a number from {low:g} to {high:g} after the colon.")
        _add(found, text, **also, **{field: number})
    return found


def _add(found: dict[str, Any], text: str, **fields: Any) -> None:
    """Take up what one text says; a session has one load and one blanket."""
    if found.keys() & fields.keys():
        raise ValueError(f"--load {text!r} comes on top of another of its kind; give one load, and one blanket.")
    found |= fields
