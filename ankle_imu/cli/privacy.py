"""`privacy report`: what is stored where, what it tells, and what to do about it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from cyclopts import App, Group

from ankle_imu.cli.arguments import AsJson, Library, library_root
from ankle_imu.cli.output import show, show_heading, show_json

if TYPE_CHECKING:
    from ankle_imu.keeping import Stored

UNKNOWN: Final = (
    "Backups, exports and reports saved elsewhere cannot be seen from here.",
    "Whether the disk is encrypted cannot be seen from here: a lost or stolen computer shows all of the above "
    "unless it is. Turn on LUKS (Linux), FileVault (macOS) or BitLocker (Windows).",
    "Nothing is sent anywhere by itself: this program talks to your sensors and your disk.",
)


def build(group: Group, options: Group) -> App:
    """Give the sub-commands of `privacy`."""
    app = App(
        name="privacy",
        group=group,
        group_commands=Group("Commands"),
        group_parameters=options,
        help="What is stored about people, and where.",
        help_epilogue="Example:  ankle-imu privacy report",
    )
    app.command(report, help_epilogue="Example:  ankle-imu privacy report --json")
    return app


def report(*, library: Library = None, as_json: AsJson = False) -> None:
    """Say what is stored where, what it reveals, and what you can do; no content is shown and nothing changed."""
    from ankle_imu.keeping import inventory

    root = library_root(library)
    found = inventory(root)
    if as_json:
        show_json({"library": root, "stored": [asdict(one) for one in found], "unknown": UNKNOWN})
        return
    show_heading(f"What is stored: {root}")
    for one in found:
        _show(one)
    show()
    for sentence in UNKNOWN:
        _show_folded(sentence)


def _show(one: Stored) -> None:
    from ankle_imu.cli.keeping import size_in_words

    size = f", {size_in_words(one.bytes)}" if one.bytes else ""
    show()
    show_heading(f"{one.what} ({one.count}{size})")
    _show_folded(f"{one.reveals}.", "  ")
    places = one.where[:3]
    for path in places:
        show(f"  {path}")
    if len(one.where) > len(places):
        show(f"  ... and {len(one.where) - len(places)} more")
    if one.advice:
        _show_folded(one.advice, "  -> ", "     ")


def _show_folded(text: str, first: str = "", rest: str | None = None) -> None:
    """Print words, folded where a person reads them."""
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
        folded = textwrap.TextWrapper(width, first, first if rest is None else rest, break_long_words=False)
        folded.break_on_hyphens = False
        show(folded.fill(text))
    else:
        show(first + text)
