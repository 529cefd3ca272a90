"""`analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, complete_sessions, library_root
from ankle_imu.cli.output import progress, say, show, show_json


def analyze(
    refs: Annotated[
        list[str],
        Parameter(name="SESSION", help="Folder, id or `last`; several are allowed.", completer=complete_sessions),
    ],
    /,
    *,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Analyze sessions and print a short table.

    The results are saved in the sessions. Range is the median side-to-side range of the angle in stance, with its
    approximate 95 % interval.
    A session that fails does not stop the others.
    """
    root = library_root(library)
    told: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    with progress("analyzing") as tell:
        for i, ref in enumerate(refs):
            label = f"{ref}: " if len(refs) > 1 else ""
            try:
                told.append(
                    _analyze_one(
                        root,
                        ref,
                        lambda stage, share, i=i, label=label: tell(label + stage, (i + share) / len(refs)),
                    )
                )
            except Exception as error:
                failed.append({"session": ref, "error": error})
    if as_json:
        _show_json(told, failed)
    for i, one in enumerate(told if not as_json else ()):
        if i:
            show()
        sessions.show_session(one)
        if one["result"]:
            show(one["result"])
    if len(refs) > 1 and failed:
        say(f"{len(failed)} of {len(refs)} sessions could not be analyzed:")
    return max((failures.tell(f["error"], f["session"] if len(refs) > 1 else "") for f in failed), default=0)


def _analyze_one(root: Path, ref: str, tell: Any) -> dict[str, Any]:
    path = sessions.locate(root, ref)
    result, saved = sessions.analyze_and_save(path, tell)
    if saved is None:
        say(f"{path} is a single file, so its result is shown but not saved.")
    return {**sessions.describe(path, result), "result": saved}


def _show_json(told: list[dict[str, Any]], failed: list[dict[str, Any]]) -> None:
    reasons = [(f["session"], *failures.explain(f["error"])) for f in failed]
    show_json(
        {
            "sessions": told,
            "failed": [{"session": ref, "reason": why, "exit_code": code} for ref, why, code in reasons],
            "files": [one["result"] for one in told if one["result"]],
        }
    )
