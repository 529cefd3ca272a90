"""The terminal: data to stdout, words to stderr, a bar only where someone watches."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console

SCHEMA_VERSION: Final = 1
"""Of every object that `--json` prints; grows when a key changes its meaning or goes away."""

_VERDICT_STYLE: Final = {"ok": "green", "warn": "yellow", "FAIL": "bold red"}

_COMMANDS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What a terminal obeys instead of showing it: control characters, and letters that turn the way of writing."""

Tell = Callable[[str, float], None]
"""Called with the name of the stage at hand and the share of the work that is done, 0..1."""


def harmless(text: object) -> str:
    r"""Words as they may stand in a terminal: notes, names and serial numbers come from anyone.

    Examples
    --------
    >>> harmless("a note\x1b[31m that paints")
    'a note [31m that paints'
    """
    return _COMMANDS.sub(" ", str(text))


def show(text: object = "") -> None:
    """Print data."""
    print(harmless(text))


def say(text: str) -> None:
    """Print words for a person, folded between words where they read them."""
    if sys.stderr.isatty():
        import shutil
        import textwrap

        width = shutil.get_terminal_size().columns
        text = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    print(harmless(text), file=sys.stderr)


def say_error(text: str) -> None:
    """Print a failure, red where colours are wanted."""
    _console(sys.stderr).print(harmless(text), style="red", markup=False, highlight=False, soft_wrap=True)


def person_names() -> dict[str, str]:
    """Alias -> `P-kqzt (Ana)`, for eyes only: none where the output goes into a file or another program."""
    if not sys.stdout.isatty():
        return {}
    from ankle_imu.library import display_names

    return display_names()


def show_pages(pages: Sequence[Path], printer: str) -> None:
    """Print the paths of pages that were written, and what printed the PDF among them, "" without one."""
    for page in pages:
        show(page)
    if printer:
        say(f"Printed by {printer}.")


def show_json(content: Mapping[str, Any]) -> None:
    """Print one object with its `schema_version`; numbers that are not known are `null`."""
    print(to_json(content))


def show_json_rows(content: Mapping[str, Any], name: str, rows: Iterable[str]) -> None:
    """Print one object as `show_json` does, with thousands of objects, already JSON, in a list under `name`."""
    head = to_json({**content, name: []})
    lines = ",\n    ".join(rows)
    print(head.removesuffix("[]\n}") + (f"[\n    {lines}\n  ]\n}}" if lines else "[]\n}"))


def to_json(content: Mapping[str, Any]) -> str:
    """JSON text of one object with its `schema_version`.

    Examples
    --------
    >>> to_json({"speed_mps": float("nan")}).split()
    ['{', '"schema_version":', '1,', '"speed_mps":', 'null', '}']
    """
    import json

    text = json.dumps(_plain({"schema_version": SCHEMA_VERSION, **content}), indent=2, allow_nan=False)
    return text.replace("\x7f", "\\u007f")


def show_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print columns under bold heads, without a head line where all are empty; `right` names those set right."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_header=any(head))
    for name in head:
        table.add_column(Text(name), justify="right" if name in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    _console(sys.stdout).print(table)


def show_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns without colours or folding: for thousands of rows, on which `show_table` spends long."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    pattern = "  ".join(f"%-{width}s" for width in widths)
    print(harmless("\n".join([(pattern % tuple(row)).rstrip() for row in (head, *rows)])))


def show_verdicts(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Print rows of verdict (ok, warn, FAIL), what, what was found, and below it the fix where there is one."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for verdict, what, found, fix in rows:
        style = _VERDICT_STYLE.get(verdict, "")
        table.add_row(Text(verdict, style=style), Text(harmless(what)), Text(harmless(found)))
        if fix:
            table.add_row("", "", Text(harmless(f"-> {fix}")))
    _console(sys.stdout).print(table)


def show_heading(text: str) -> None:
    """Print a line in bold."""
    _console(sys.stdout).print(harmless(text), style="bold", markup=False, highlight=False, soft_wrap=True)


@contextmanager
def progress(what: str) -> Iterator[Tell]:
    """Show a bar on stderr while the block runs, where stderr is a terminal.

    Parameters
    ----------
    what : str, first words beside the bar

    Yields
    ------
    Tell
    """
    console = _console(sys.stderr)
    if not console.is_terminal or console.is_dumb_terminal:
        yield lambda stage, share: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=24), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=1.0)
        yield lambda stage, share: bar.update(task, description=stage, completed=share)


def _console(stream: IO[str]) -> Console:
    """A console as wide as the terminal; into a file or pipe nothing is folded unless COLUMNS asks for it."""
    from rich.console import Console

    is_free = not stream.isatty() and not os.environ.get("COLUMNS", "").isdigit()
    return Console(file=stream, width=10_000 if is_free else None)


def _plain(value: Any) -> Any:
    import math

    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return [_plain(item) for item in value]
