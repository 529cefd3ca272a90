"""What a page says of its own making: hashes of files, tables, figures and of itself; settings and versions.

It stands in the page as one inert `<meta>` element, so that `ankle-imu report --verify` can make the page again
from the recording and say item by item what holds.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from html import escape, unescape
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import tables
from ankle_imu.errors import RecordingError
from ankle_imu.mobility import SESSION_KIND, PracticeResult, PracticeSettings
from ankle_imu.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.report.render import Picture
    from ankle_imu.values import SessionResult

FORMAT_VERSION: Final = 1
LIBRARIES: Final = ("numpy", "scipy", "pandas", "vqf", "matplotlib")
"""Packages whose release may move a figure in its last digits."""

TABLES: Final = (
    tables.STRIDES, tables.EVENTS, tables.BOUTS, tables.SUMMARY, tables.CONTEXT, tables.TRACK, tables.CURVES,
    tables.ANGLES,
)  # fmt: skip

WALK: Final = "walk"
SETTINGS: Final[Mapping[str, type[Settings] | type[PracticeSettings]]] = {
    WALK: Settings,
    SESSION_KIND: PracticeSettings,
}
"""Kind of page -> settings of its analysis."""

_SHOWN: Final = ("alias", "affected_leg", "footwear", "brace", "surface", "note")
NOTES: Final[Mapping[str, tuple[str, ...]]] = {WALK: _SHOWN, SESSION_KIND: (*_SHOWN, "tags")}
"""Kind of page -> which of the notes that may be edited without a new analysis (`manifest.NOTES`) it shows."""

_NAME: Final = "ankle-imu-imprint"
_BLANK: Final = "0" * 64
_BLOCK: Final = re.compile(rf'<meta name="{_NAME}" content="([^"]*)">')
_OWN: Final = re.compile(r"(&#34;page&#34;: &#34;)([0-9a-f]{64})(&#34;)")


@dataclass(frozen=True, kw_only=True)
class Imprint:
    """What made a page.

    Parameters
    ----------
    session : str, id
    settings : Settings or PracticeSettings of the analysis
    versions : mapping of package, `python` and `ankle_imu` to version
    files : mapping of file of the session, by its path in there, to SHA-256
    tables, figures : mapping of name to SHA-256 of the values or of the drawing
    past : ids of the sessions of the trend on the page
    past_digest : str, SHA-256 of their rows, "" without a trend
    noted : mapping of `NOTES` to what they were when the page was made
    kind : `walk` | `practice`
    page : str, SHA-256 of the page with this field blank
    """

    session: str
    settings: Settings | PracticeSettings
    versions: Mapping[str, str]
    files: Mapping[str, str]
    tables: Mapping[str, str]
    figures: Mapping[str, str]
    past: tuple[str, ...] = ()
    past_digest: str = ""
    noted: Mapping[str, Any] = field(default_factory=dict)
    kind: str = WALK
    page: str = _BLANK

    def element(self) -> str:
        """The element that stands in the head of the page."""
        content = {"format_version": FORMAT_VERSION, **asdict(self)}
        text = escape(json.dumps(content, ensure_ascii=False), quote=False).replace('"', "&#34;")
        return f'<meta name="{_NAME}" content="{text}">'


def imprint_of(
    result: SessionResult | PracticeResult,
    drawn: Iterable[Picture],
    files: Mapping[str, str],
    past: pd.DataFrame | None = None,
    made_with: Mapping[str, str] | None = None,
) -> Imprint:
    """Take the imprint of a page that is about to be written.

    Parameters
    ----------
    result : SessionResult or PracticeResult
    drawn : pictures of the page
    files : as in `Imprint`; empty when the result came from no session on disk
    past : table `tables.TREND` that the page draws on, or None
    made_with : versions that the page is to name; today's when None
    """
    kind = SESSION_KIND if isinstance(result, PracticeResult) else WALK
    return Imprint(
        session=result.session.session_id,
        settings=result.settings,
        versions=dict(versions() if made_with is None else made_with),
        files=dict(files),
        tables=table_digests(result),
        figures={one.name: text_digest(one.wide + one.narrow) for one in drawn},
        past=() if past is None else tuple(dict.fromkeys(past["session_id"].astype(str))),
        past_digest="" if past is None else table_digest(past, tables.TREND),
        noted={name: getattr(result.session, name) for name in NOTES[kind]},
        kind=kind,
    )


def versions() -> dict[str, str]:
    """Version of this package, of Python and of the numeric libraries as they are now."""
    import platform
    from importlib.metadata import version

    from ankle_imu._version import package_version

    own = {"ankle_imu": package_version(), "python": platform.python_version()}
    return own | {name: version(name) for name in LIBRARIES}


def table_digests(result: SessionResult | PracticeResult) -> dict[str, str]:
    """SHA-256 of the values of each table of a result, and of its ledger `quality`."""
    quality = dict(result.quality)
    gaps = quality.pop(tables.GAPS.name, None)
    own = (*tables.PRACTICE_TABLES, tables.ANGLES) if isinstance(result, PracticeResult) else TABLES
    fields = {table.name.removeprefix(f"{SESSION_KIND}_"): table for table in own}
    found = {name: table_digest(getattr(result, name), table) for name, table in fields.items()}
    if gaps is not None:
        found[tables.GAPS.name] = table_digest(gaps, tables.GAPS)
    return found | {"quality": text_digest(json.dumps(_plain(quality), sort_keys=True))}


def table_digest(frame: pd.DataFrame, table: tables.Table) -> str:
    """SHA-256 of the values of a table, column by column; angles as the float32 in which they are kept."""
    digest = hashlib.sha256()
    for column in table.columns:
        values = frame[column.name].to_numpy()
        digest.update(f"{column.name}\0{len(values)}\0".encode())
        if column.dtype == "str":
            digest.update("\0".join(map(str, values)).encode())
            continue
        is_short = table is tables.ANGLES and column.name != "time_s"
        kind = "<f4" if is_short else {"f": "<f8", "i": "<i8", "b": "?"}[np.dtype(column.dtype).kind]
        numbers = values.astype(kind)
        if kind[1:2] == "f":
            numbers[np.isnan(numbers)] = np.nan
        digest.update(np.ascontiguousarray(numbers).tobytes())
    return digest.hexdigest()


def text_digest(text: str) -> str:
    """SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(page: str) -> str:
    """The page with its own digest filled in."""
    digest = text_digest(page)
    return _OWN.sub(lambda m: m[1] + digest + m[3], page, count=1)


def is_unchanged(page: str) -> bool:
    """Whether a page still is what was written."""
    found = _OWN.search(page)
    blank = _OWN.sub(lambda m: m[1] + _BLANK + m[3], page, count=1)
    return found is not None and found[2] == text_digest(blank)


def read_imprint(page: str, path: str = "the page") -> Imprint:
    """Read the imprint of a page.

    Raises
    ------
    RecordingError
        If the page carries none, or one that cannot be read.
    """
    found = _BLOCK.search(page)
    if found is None:
        raise RecordingError(f"{path} says nothing of its making; it is no page of `ankle-imu report`.", path=path)
    try:
        content = json.loads(unescape(found[1]))
        if content.pop("format_version") > FORMAT_VERSION:
            raise RecordingError(f"{path} was written by a newer version of ankle-imu; update it.", path=path)
        kind = content.get("kind", WALK)
        noted = {name: tuple(x) if isinstance(x, list) else x for name, x in content.get("noted", {}).items()}
        settings = SETTINGS[kind](**content["settings"])
        values = {**content, "settings": settings, "past": tuple(content["past"]), "noted": noted}
        one = Imprint(**values)
        if not all(isinstance(x, dict) for x in (one.versions, one.files, one.tables, one.figures)):
            raise TypeError("hashes are no mapping")
        said = [y for x in noted.values() for y in (x if isinstance(x, tuple) else (x,))]
        if not set(noted) <= set(NOTES[kind]) or not all(isinstance(x, str) for x in said):
            raise TypeError("notes are no text")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise RecordingError(f"What {path} says of its making cannot be read ({error}).", path=path) from error
    return one


def _plain(value: Any) -> Any:
    """`value` in the types of JSON, what is not known as null: alike before and after it was saved."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
