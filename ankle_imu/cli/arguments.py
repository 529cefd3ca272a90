"""Arguments that several commands share."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from ankle_imu.cli.roots import library_root as library_root
from ankle_imu.cli.roots import reading_root as reading_root
from ankle_imu.cli.roots import store_of as store_of

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


def complete_aliases(context: Any) -> Iterator[str]:
    """What the shell offers for a person: the aliases in the library and those with a name."""
    from ankle_imu.errors import AnkleImuError
    from ankle_imu.library import load_names, session_names

    found = {year.split("/")[1] for year, _ in session_names(_root_given(context))}
    with contextlib.suppress(AnkleImuError):
        found |= set(load_names())
    return (alias for alias in sorted(found) if alias.startswith(context.incomplete))


Person = Annotated[
    str,
    Parameter(name="--person", show_default=False, help="Alias of the person.", completer=complete_aliases),
]

Placement = Literal["left_foot", "right_foot", "left_shank", "right_shank"]
"""`frames.PLACEMENTS`, repeated because the help must not load numpy."""


def complete_sessions(context: Any) -> Iterator[str]:
    """What the shell offers for a SESSION: `last` and the ids in the library, the newest first; or paths."""
    word = context.incomplete
    if word.startswith((".", "~", "/")) or "/" in word or "\\" in word:
        head, tail = os.path.split(word)
        with contextlib.suppress(OSError), os.scandir(Path(head or ".").expanduser()) as found:
            names = [entry.name + "/" * entry.is_dir() for entry in found]
        return (os.path.join(head, name) for name in sorted(names) if name.startswith(tail))  # noqa: PTH118
    from ankle_imu.library import session_names

    names = sorted((name for _, name in session_names(_root_given(context))), reverse=True)
    return (name for name in ("last", *names) if name.startswith(context.incomplete))


def _root_given(context: Any) -> Path:
    """The library that the words before the cursor mean."""
    given = context.get("--library")
    return reading_root(given.raw if given and given.raw else None)


Session = Annotated[str, Parameter(name="SESSION", help="Folder, id or `last`.", completer=complete_sessions)]
