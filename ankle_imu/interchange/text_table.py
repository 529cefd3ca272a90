"""Delimited text as it really arrives: any encoding, separator and decimal sign, cut off, with a preamble.

A row that does not have as many cells as the header is left out and counted, never shifted into place; the last
cell of a file that does not end with a line end may be cut and is read as missing.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange.bytes_of import read_bytes

if TYPE_CHECKING:
    import pandas as pd

PREAMBLE_LINES: Final = 200
"""A header is looked for in this many first lines; vendors write fewer than 30."""

MOST_FIT: Final = 0.8
"""Share of rows that must have as many cells as the header; damage costs single rows, a wrong format most."""

_SEPARATORS: Final = ("\t", ";", ",")
_COMMA_NUMBER: Final = re.compile(r"[-+]?\d*,\d+(?:[eE][-+]?\d+)?")
_POINT_NUMBER: Final = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")
_MARKS: Final = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, kw_only=True, eq=False)
class TextTable:
    """The rows under a header.

    Parameters
    ----------
    names : column names as written, stripped
    preamble : lines above the header, stripped
    frame : DataFrame with one column per name, labelled 0, 1, ...
    malformed : int, rows left out because their cells do not match the header
    unterminated : bool, whether the last row lacks its line end
    path : str, for messages
    """

    names: tuple[str, ...]
    preamble: tuple[str, ...]
    frame: pd.DataFrame
    malformed: int
    unterminated: bool
    path: str

    def __len__(self) -> int:
        return len(self.frame)

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Column `name` as (n,) floats; NaN where a cell is no finite number."""
        import pandas as pd

        values = np.array(pd.to_numeric(self.frame[self.names.index(name)], errors="coerce"), dtype=np.float64)
        if self.unterminated and len(values) and name == self.names[-1]:
            values[-1] = np.nan
        values[~np.isfinite(values)] = np.nan
        return values

    def vectors(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Columns `names` side by side, (n, 3)."""
        return np.column_stack([self.numbers(name) for name in names])

    def texts(self, name: str) -> pd.Series[str]:
        """Column `name` as stripped text."""
        return self.frame[self.names.index(name)].astype(str).str.strip()


def read_text(path: Path) -> str:
    """Text of a file of unknown encoding.

    Parameters
    ----------
    path : Path

    Raises
    ------
    RecordingError
        If there is no such file, or it is empty.
    CorruptRecording
        If it is not text.
    StorageError
        If the disk refuses.
    """
    return decode(read_bytes(path), str(path))


def decode(raw: bytes, path: str) -> str:
    """Text of `raw`: by its byte order mark, else UTF-8 if it begins so, else latin-1. Raises as `read_text`."""
    if not raw.strip():
        raise RecordingError(f"{path} is empty.", path=path)
    if not looks_like_text(raw):
        raise CorruptRecording(f"{path} holds binary data where text was expected.", path=path)
    marked = next((name for mark, name in _MARKS if raw.startswith(mark)), "")
    if marked:
        return raw.decode(marked, errors="replace")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(raw[:4096])
    except UnicodeDecodeError:
        return raw.decode("latin-1")
    return raw.decode("utf-8", errors="replace")


def looks_like_text(raw: bytes) -> bool:
    """Whether the first bytes could be text, even with a block zeroed by a broken disk: no other control signs."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    head = raw[:4096]
    control = sum(0 < byte < 32 and byte not in b"\t\n\r\f\x1a" for byte in head)
    return control == 0 and not raw.startswith(b"\x00") and head.count(0) < len(head) / 4


def split_cells(line: str) -> tuple[str, list[str]]:
    """Separator of a line and its stripped cells; the separator is the one that occurs most."""
    separator = max(_SEPARATORS, key=line.count)
    return separator, [cell.strip().strip('"').strip() for cell in line.split(separator)]


def find_header(lines: Sequence[str], is_header: Callable[[list[str]], bool]) -> int | None:
    """Index of the first of `lines` whose cells `is_header` accepts, None where there is none."""
    for index, line in enumerate(lines[:PREAMBLE_LINES]):
        if is_header(split_cells(line)[1]):
            return index
    return None


def parse_table(text: str, path: str, is_header: Callable[[list[str]], bool]) -> TextTable:
    """Rows under the first line that `is_header` accepts.

    Parameters
    ----------
    text : str, as of `read_text`
    path : str, for messages
    is_header : callable, gets the stripped cells of a line

    Raises
    ------
    RecordingError
        If no header is found, or nothing follows it.
    CorruptRecording
        If most rows do not fit the header, or decimal points and commas are mixed.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    at = find_header(lines, is_header)
    if at is None:
        raise RecordingError(f"{path}: no header line found in the first {PREAMBLE_LINES} lines.", path=path)
    separator, names = split_cells(lines[at])
    while names and not names[-1]:  # a separator at the end of the header
        names.pop()
    rows = [line for line in lines[at + 1 :] if line.strip()]
    good = [line for line in rows if _fits(line, separator, len(names))]
    if not rows:
        raise RecordingError(f"{path} has a header but no samples.", path=path)
    if len(good) < MOST_FIT * len(rows):
        raise _misfit(rows, separator, len(names), path)
    return TextTable(
        names=tuple(names),
        preamble=tuple(line.strip() for line in lines[:at]),
        frame=_frame(good, separator, len(names), path),
        malformed=len(rows) - len(good),
        unterminated=bool(lines[-1].strip()) and bool(good) and good[-1] is rows[-1],
        path=path,
    )


def _fits(line: str, separator: str, n: int) -> bool:
    if "\x00" in line:
        return False
    found = line.count(separator) + 1
    return found == n or (found == n + 1 and line.rstrip(" ").endswith(separator))


def _misfit(rows: list[str], separator: str, n: int, path: str) -> CorruptRecording:
    found = rows[len(rows) // 2].count(separator) + 1
    hint = (
        "; decimal commas between comma-separated columns? Export with ; or points."
        if separator == "," and found > n
        else "."
    )
    return CorruptRecording(f"{path}: rows have {found} cells where the header has {n}{hint}", path=path)


def _frame(rows: list[str], separator: str, n: int, path: str) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame = pd.read_csv(
        io.StringIO("\n".join(rows) + "\n"),
        sep=separator,
        decimal=_decimal_sign(rows, separator, path),
        header=None,
        names=list(range(n)),
        usecols=list(range(n)),
        index_col=False,
        skipinitialspace=True,
        low_memory=False,
        **_exact_floats(pd.__version__),
    )
    return frame


def _exact_floats(version: str) -> dict[str, Any]:
    """Before pandas 3.1 numbers were read to the last bit only on demand; since then always, and asking warns."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return {} if (major, minor) >= (3, 1) else {"float_precision": "round_trip"}


def _decimal_sign(rows: list[str], separator: str, path: str) -> str:
    if separator == ",":
        return "."
    cells = [cell.strip() for line in rows[:500] for cell in line.split(separator)]
    comma = next((cell for cell in cells if _COMMA_NUMBER.fullmatch(cell)), "")
    point = next((cell for cell in cells if _POINT_NUMBER.fullmatch(cell)), "")
    if comma and point:
        raise CorruptRecording(
            f"{path} mixes decimal commas and points ({comma} and {point}); export it again with one of them.",
            path=path,
        )
    return "," if comma else "."
