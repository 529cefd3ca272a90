"""Arguments that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

AsJson = Annotated[
    bool, Parameter(name="--json", negative="", show_default=False, help="Print one JSON object instead of text.")
]

Library = Annotated[
    str | None,
    Parameter(name="--library", help="Library folder; else $ANKLE_IMU_LIBRARY, else your data folder."),
]

Into = Annotated[
    str | None,
    Parameter(
        name=("--out", "-o", "--library"),
        help="Library folder to put the session in; else $ANKLE_IMU_LIBRARY, else your data folder.",
    ),
]

Person = Annotated[str, Parameter(name="--person", show_default=False, help="Alias of the person.")]

Placement = Literal["left_foot", "right_foot", "left_shank", "right_shank"]
"""`frames.PLACEMENTS`, repeated because the help must not load numpy."""


def library_root(given: str | None) -> Path:
    """Folder of the library that is meant; a store is refused, since few commands can do with one."""
    from ankle_imu.cli.failures import UsageError
    from ankle_imu.library import default_library

    if store := store_of(given):
        raise UsageError(
            f"{store} is a store; `analyze`, `report -o`, `trend -o`, `library list` and `library show` can use "
            "it. For this command copy it into a folder."
        )
    return (Path(given).expanduser() if given else default_library()).absolute()


def reading_root(given: str | None) -> Path:
    """Folder to read the library from that is meant: of one in a store, a mirror of what is small there."""
    store = store_of(given)
    if not store:
        return library_root(given)
    from ankle_imu.library.remote import mirror

    return mirror(store)


def store_of(given: str | None) -> str:
    """URL of the library that is meant; "" when it is a folder."""
    from ankle_imu.library.config import LIBRARY_VARIABLE
    from ankle_imu.library.remote import is_url

    named = given or os.environ.get(LIBRARY_VARIABLE, "")
    return named.rstrip("/") if is_url(named) else ""
