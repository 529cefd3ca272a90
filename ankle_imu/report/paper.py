"""A page on paper where no browser can print it: its words and tables set by matplotlib, and the same figures."""

from __future__ import annotations

import io
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankle_imu.durable import write_whole
from ankle_imu.report import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT, _MARGIN = 760.0, 1075.0, 40.0
"""Points; the shape of A4, in the width of our figures."""

_SIZE: Final = {"h1": 22.0, "h2": 16.0, "h3": 13.0, "p": 12.0, "mono": 9.5}
_MONO_COLUMNS: Final = 118
_TEXT_COLUMNS: Final = 98


@dataclass(frozen=True, kw_only=True)
class Block:
    """One piece of a page: `kind` is h1, h2, h3, p, table or figure; `rows` are those of a table."""

    kind: str
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()


class _Blocks(HTMLParser):
    """Takes a page of ours apart; the wide drawing stands for a figure, the narrow one is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Block] = []
        self._text: list[str] = []
        self._rows: list[list[str]] = []
        self._skip = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if given.get("data-name") and not self._skip:
            self.found.append(Block(kind="figure", text=str(given["data-name"])))
        if tag in ("svg", "style", "title", "summary") or self._skip:
            self._skip += tag in ("svg", "style", "title", "summary")
        elif tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        if tag in ("h1", "h2", "h3", "p", "li", "td", "th", "figcaption", "caption"):
            self._text = []

    def handle_data(self, data: str) -> None:
        if not self._skip:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        text = " ".join("".join(self._text).split())
        if tag in ("svg", "style", "title", "summary"):
            self._skip -= 1
        elif self._skip:
            return
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append(text)
        elif tag in ("h1", "h2", "h3"):
            self.found.append(Block(kind=tag, text=text))
        elif tag in ("p", "figcaption", "caption") and text:
            self.found.append(Block(kind="p", text=text))
        elif tag == "li" and text:
            self.found.append(Block(kind="p", text=f"• {text}"))
        elif tag == "table":
            self.found.append(Block(kind="table", rows=tuple(tuple(row) for row in self._rows if row)))


def blocks(html: str) -> list[Block]:
    """The pieces of a page of ours in reading order."""
    parser = _Blocks()
    parser.feed(html)
    return parser.found


def write_paper(html: str, drawings: Mapping[str, Callable[[], Figure]], target: Path) -> Path:
    """Write a page as PDF without a browser.

    Parameters
    ----------
    html : str, a page of this package
    drawings : mapping of figure name to the function that draws it
    target : Path of the PDF; an existing one is replaced as a whole or not at all

    Raises
    ------
    StorageError
        If the file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_pdf import PdfPages

    title = re.search(r"<title>(.*?)</title>", html)
    sink = io.BytesIO()
    info = {"Title": title[1] if title else "Report", "CreationDate": None}
    with mpl.rc_context({"pdf.fonttype": 42}), PdfPages(sink, metadata=info) as pages:
        for one in _pages(blocks(html), drawings):
            pages.savefig(one)
    return write_whole(target, sink.getvalue())


def _pages(found: list[Block], drawings: Mapping[str, Callable[[], Figure]]) -> Iterator[Figure]:
    """Sheets of text, and each figure on a sheet of its own under its heading."""
    lines: list[tuple[str, str]] = []
    for block in found:
        if block.kind == "figure":
            if block.text in drawings:
                heading = _trailing_headings(lines)
                yield from _sheets(lines)
                lines = []
                yield _under(heading, drawings[block.text]())
        elif block.kind == "table":
            lines += [("mono", line) for line in table_lines(block.rows)] + [("mono", "")]
        else:
            columns = int(_TEXT_COLUMNS * _SIZE["p"] / _SIZE.get(block.kind, _SIZE["p"]))
            lines += [(block.kind, line) for line in textwrap.wrap(block.text, columns)] + [("mono", "")]
    yield from _sheets(lines)


def _trailing_headings(lines: list[tuple[str, str]]) -> list[str]:
    """Take the headings off the end of the lines: they belong to the figure that follows."""
    heading: list[str] = []
    while lines and (lines[-1][0].startswith("h") or not lines[-1][1]):
        line = lines.pop()[1]
        if line:
            heading.insert(0, line)
    return heading


def _under(heading: list[str], figure: Figure) -> Figure:
    """The figure with more paper above it, and its heading there."""
    if heading:
        width, height = figure.get_size_inches()
        more = 36.0 * len(heading) / 72.0
        share = height / (height + more)
        for ax in figure.axes:
            box = ax.get_position()
            ax.set_position((box.x0, box.y0 * share, box.width, box.height * share))
        for text in figure.texts:
            text.set_y(text.get_position()[1] * share)
        figure.set_size_inches(width, height + more)
        for row, line in enumerate(heading):
            y = 1.0 - 26.0 * (row + 1) / 72.0 / (height + more)
            figure.text(_MARGIN / _WIDTH, y, line, fontsize=_SIZE["h2"], weight="bold", color=style.INK)
    return figure


def table_lines(rows: tuple[tuple[str, ...], ...]) -> list[str]:
    """A table in letters of one width; columns that are too wide are folded.

    Examples
    --------
    >>> table_lines((("Leg", "Strides"), ("left", "98")))
    ['Leg   Strides', 'left  98']
    """
    columns = max((len(row) for row in rows), default=0)
    full = [[*row, *[""] * (columns - len(row))] for row in rows]
    widths = [max(len(row[i]) for row in full) for i in range(columns)]
    while sum(widths) + 2 * (columns - 1) > _MONO_COLUMNS:
        widest = max(range(columns), key=widths.__getitem__)
        widths[widest] -= 1
    lines = []
    for row in full:
        cells = [textwrap.wrap(cell, max(1, width)) or [""] for cell, width in zip(row, widths, strict=True)]
        for k in range(max(map(len, cells))):
            parts = [cell[k] if k < len(cell) else "" for cell in cells]
            lines.append("  ".join(p.ljust(w) for p, w in zip(parts, widths, strict=True)).rstrip())
    return lines


def _sheets(lines: list[tuple[str, str]]) -> Iterator[Figure]:
    figure, y = None, 0.0
    for kind, line in lines:
        size = _SIZE.get(kind, _SIZE["p"])
        if figure is None or y - 1.45 * size < _MARGIN:
            if figure is not None:
                yield figure
            figure, y = style.new_figure(_WIDTH, _HEIGHT), _HEIGHT - _MARGIN
        y -= 1.45 * size
        family = "monospace" if kind == "mono" else "sans-serif"
        weight = "bold" if kind.startswith("h") else "regular"
        if line:
            figure.text(
                _MARGIN / _WIDTH, y / _HEIGHT, line.replace("$", r"\$"), fontsize=size, family=family,
                weight=weight, color=style.INK,
            )  # fmt: skip
    if figure is not None:
        yield figure
