"""`report --verify`: whether a page still is what the recording gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.cli import sessions
from ankle_imu.cli.output import progress, say, show, show_json, show_verdicts
from ankle_imu.errors import AnkleImuError, RecordingError

if TYPE_CHECKING:
    from ankle_imu.reproduction import Item

NOT_REPRODUCED: Final = 5
PAGES: Final = (".html", ".htm")
_WORD: Final = {True: "ok", False: "FAIL", None: "warn"}


def verify(ref: str, page: Path | None, root: Path, as_json: bool) -> int:
    """Check one page and tell item by item what holds.

    Parameters
    ----------
    ref : the session, or the page itself
    page : the page when `ref` is the session; its `report.html` when None
    root : the library in which the session of a page is looked for
    as_json : whether to print one JSON object

    Returns
    -------
    int
        0 when all holds, 5 when not.
    """
    from ankle_imu.reproduction import check_page

    path, session = _page_and_session(ref, page, root)
    text = _read(path)
    if session is None:
        session = _session_of(text, path, root)
    with progress("making the page again") as tell:
        items = check_page(text, session, path=str(path), progress=tell)
    is_reproduced = all(item.holds for item in items)
    if as_json:
        show_json(_told(path, session, items, is_reproduced))
    else:
        show_verdicts([(_WORD[item.holds], item.name, item.found, "") for item in _short(items)])
        bad = [item for item in items if not item.holds]
        show(
            "Reproduced: the recording gives this page."
            if is_reproduced
            else f"Not reproduced: {len(bad)} of {len(items)} items do not hold or could not be checked."
        )
    return 0 if is_reproduced else NOT_REPRODUCED


def _page_and_session(ref: str, page: Path | None, root: Path) -> tuple[Path, Path | None]:
    if Path(ref).suffix.lower() in PAGES:
        return Path(ref).absolute(), None
    session = sessions.locate(root, ref)
    return page or report_of(session), session


def report_of(session: Path) -> Path:
    """Where the page of a session lies."""
    return session / "report.html" if session.is_dir() else session.with_suffix(".html")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RecordingError(
            f"There is no page at {path}; `ankle-imu report` writes it.", path=str(path)
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RecordingError(f"{path} cannot be read as a page ({error}).", path=str(path)) from error


def _session_of(text: str, path: Path, root: Path) -> Path | None:
    """The session that a page names: beside it, else in the library; None when it is in neither."""
    from ankle_imu.library import list_sessions
    from ankle_imu.report.imprint import read_imprint

    named = read_imprint(text, str(path)).session
    if path.parent.name == named and (path.parent / "session.toml").exists():
        return path.parent.resolve()
    try:
        fitting = [entry.path for entry in list_sessions(root) if entry.session_id == named]
    except AnkleImuError as error:
        say(str(error))
        fitting = []
    return fitting[0].resolve() if fitting else None


def _short(items: tuple[Item, ...]) -> list[Item]:
    """Items of one kind that all hold, in one line."""
    from ankle_imu.reproduction import Item

    lines: list[Item] = []
    for kind in dict.fromkeys(item.name.split()[0] for item in items):
        own = [item for item in items if item.name.split()[0] == kind]
        if len(own) > 1 and all(item.holds for item in own):
            names = ", ".join(item.name.partition(" ")[2] for item in own)
            lines.append(Item(name=f"{kind}s", holds=True, found=f"the same: {names}"))
        else:
            lines += own
    return lines


def _told(path: Path, session: Path | None, items: tuple[Item, ...], is_reproduced: bool) -> dict[str, Any]:
    return {
        "page": path,
        "session": session,
        "reproduced": is_reproduced,
        "items": [{"item": item.name, "holds": item.holds, "found": item.found} for item in items],
    }
