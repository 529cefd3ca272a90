"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

AsJson = Annotated[
    bool, Parameter(name="--json", negative="", show_default=False, help="Print one JSON object instead of text.")
]

Library = Annotated[
    Path | None,
    Parameter(name="--library", help="Library folder; else $ANKLE_IMU_LIBRARY, else your data folder."),
]

Into = Annotated[
    Path | None,
    Parameter(
        name=("--out", "-o", "--library"),
        help="Library folder to put the session in; else $ANKLE_IMU_LIBRARY, else your data folder.",
    ),
]

Person = Annotated[str, Parameter(name="--person", show_default=False, help="Alias of the person.")]

Placement = Literal["left_foot", "right_foot", "left_shank", "right_shank"]
"""`frames.PLACEMENTS`, repeated because the help must not load numpy."""


def library_root(given: Path | None) -> Path:
    """Folder of the library that is meant."""
    from ankle_imu.library import default_library

    return (given.expanduser() if given else default_library()).absolute()
