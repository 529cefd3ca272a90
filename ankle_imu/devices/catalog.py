"""Model name -> adapter. The one place that knows them all; each is imported when asked for.

A model is a family's name, or `declared:<path>`: a sensor that its owner described in a TOML file, see `declared`.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Final, cast

from ankle_imu.devices.adapter import Adapter, Sighting

DECLARED_PREFIX: Final = "declared:"
"""Start of the model name of a sensor that a file describes; the rest is the path of the file."""

_ADAPTERS: Final = {
    "ankle": ("ankle_imu.devices.ankle", "AnkleAdapter"),
    "witmotion": ("ankle_imu.devices.witmotion", "WitMotionAdapter"),
    "movesense": ("ankle_imu.devices.movesense", "MovesenseAdapter"),
    "polar": ("ankle_imu.devices.polar", "PolarAdapter"),
    "metawear": ("ankle_imu.devices.metawear", "MetaWearAdapter"),
    "movella_dot": ("ankle_imu.devices.movella_dot", "MovellaDotAdapter"),
    "csv_lines": ("ankle_imu.devices.csv_lines", "CsvLinesAdapter"),
}

_NOTES: Final = {"ankle": "protocol", "csv_lines": "generic"}


def models() -> tuple[str, ...]:
    """Names that `adapter` knows."""
    return (*_ADAPTERS, f"{DECLARED_PREFIX}<path>")


def match(seen: Sighting, declarations: Iterable[str] = ()) -> list[str]:
    """Models that a sensor may be by its advertisement, surest first.

    Parameters
    ----------
    seen : Sighting
    declarations : paths of TOML files of the user's own sensors

    Returns
    -------
    list of str
        Empty when none fits.

    Raises
    ------
    ValueError
        If a declaration is not understood.
    OSError
        If one cannot be read.
    """
    scores = {model: import_module(home).match(seen) for model, (home, _) in _ADAPTERS.items()}
    for path in declarations:
        declared = import_module("ankle_imu.devices.declared")
        scores[f"{DECLARED_PREFIX}{path}"] = declared.match(seen, declared.load_declaration(path))
    return sorted((model for model in scores if scores[model] > 0), key=lambda model: -scores[model])


def adapter(model: str) -> Adapter:
    """A new adapter for one sensor of a model.

    Raises
    ------
    ValueError
        If the model is unknown, or its declaration is not understood.
    OSError
        If its declaration cannot be read.
    """
    if model.startswith(DECLARED_PREFIX):
        declared = import_module("ankle_imu.devices.declared")
        path = model.removeprefix(DECLARED_PREFIX)
        return cast(Adapter, declared.DeclaredAdapter(declared.load_declaration(path), model=model))
    if model not in _ADAPTERS:
        raise ValueError(f"Unknown model {model!r}; known are {', '.join(models())}.")
    home, name = _ADAPTERS[model]
    return cast(Adapter, getattr(import_module(home), name)())


def notes(model: str) -> str:
    """Page on a model's firmware and packets, in the project's source."""
    page = "generic" if model.startswith(DECLARED_PREFIX) else _NOTES.get(model, model)
    return f"firmware_notes/{page}.md"
