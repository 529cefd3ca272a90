"""`validate`: the analysis against every recording with a reference that is at hand."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

from cyclopts import Parameter

from ankle_imu.cli import failures
from ankle_imu.cli.arguments import AsJson
from ankle_imu.cli.output import progress, say, show, show_json, show_table, to_json

_HEAD: Final = ("Recording", "Figure", "n", "Value", "Target", "Verdict", "Best case or peer")
_MISSED: Final = "missed"


def _flag(name: str, help: str) -> Parameter:
    return Parameter(name=name, negative="", show_default=False, help=help)


def validate(
    *,
    data: Annotated[
        Path | None, Parameter(name="--data", help="Folder of recordings; else $ANKLE_IMU_SHARED/data.")
    ] = None,
    only: Annotated[
        list[str] | None,
        Parameter(name="--only", negative="", consume_multiple=True, help="These data sets alone."),
    ] = None,
    full: Annotated[
        bool, _flag("--full", "Simulate half-hour walks, 50 alignments and 36 h of days: about 40 min.")
    ] = False,
    strict: Annotated[bool, _flag("--strict", "Exit with 7 when a target is missed.")] = False,
    markdown: Annotated[bool, _flag("--markdown", "Print a Markdown table, one row per figure.")] = False,
    out: Annotated[Path | None, Parameter(name=("-o", "--out"), help="Also write the JSON object here.")] = None,
    as_json: AsJson = False,
) -> int:
    """Measure the errors of the analysis against references.

    Runs every recording with a reference that is at hand, and simulated walks. Data sets that are not at hand are
    named with where they can be obtained.
    """
    from ankle_imu.validation.score import markdown_table
    from ankle_imu.validation.validate import NOT_COVERED, run

    _check_names(only or [])
    folder = data or _shared_data()
    with progress("validating") as tell:
        found = run(folder, only or (), tell, full=full)
    rows = found.rows
    told = {
        "data": folder,
        "rows": rows,
        "absent": [{"dataset": name, "where": where} for name, where in found.absent],
        "not_covered": NOT_COVERED,
    }
    if out:
        from ankle_imu.durable import write_whole

        write_whole(out, (to_json(told) + "\n").encode())
    if as_json:
        show_json({**told, "files": [out.absolute()] if out else []})
    elif markdown:
        show(markdown_table(found.figures))
    else:
        show_table(_HEAD, [_cells(row) for row in rows], right=("n", "Value", "Target"))
    for name, where in found.absent:
        say(f"Not at hand: {name}: {where}")
    say(NOT_COVERED)
    missed = sum(row["verdict"] == _MISSED for row in rows)
    say(f"{missed} of {len(rows)} figures missed their target." if missed else "No figure missed its target.")
    return 7 if strict and missed else 0


def _check_names(only: Sequence[str]) -> None:
    from ankle_imu.validation.validate import KNOWN

    unknown = [name for name in only if name not in KNOWN]
    if unknown:
        raise failures.UsageError(f"Unknown data set {', '.join(unknown)}; known are {', '.join(KNOWN)}.")


def _shared_data() -> Path | None:
    shared = os.environ.get("ANKLE_IMU_SHARED")
    return Path(shared) / "data" if shared else None


def _cells(row: Mapping[str, Any]) -> list[str]:
    unit = "" if row["unit"] == "1" else row["unit"]
    return [
        row["case"],
        row["quantity"],
        f"{row['n']:,}",
        f"{_number(row['value'])} {unit}".strip(),
        row["aim"] or "–",
        row["verdict"] or "–",
        row["reference"] or "–",
    ]


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.3g}"
