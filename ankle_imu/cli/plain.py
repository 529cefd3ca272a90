"""Plain forms of `library list`, read without the command line library, which takes longer than the list itself.

A form is plain where each option is written out once and its value is a word of its own. Whatever else there is
(help, short forms, `--tag=hill`, mistakes) gives None and goes the usual way, so that `listing.list_` stays the
only description of the command. A test draws words and holds every reading against the command line library's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

VALUES: Final = {
    "--person": "person",
    "--from": "since",
    "--to": "until",
    "--gait": "gait",
    "--surface": "surface",
    "--kind": "kind",
    "--text": "text",
    "--library": "library",
}
"""Option -> argument of `listing.list_`; `--json` beside them, and `--tag`, the only one that may come again."""

GAITS: Final = ("walk", "jog", "run")

_COMMAND: Final = ("library", "list")


def read_list(words: Sequence[str]) -> dict[str, Any] | None:
    """Arguments of `library list` in a command line of plain form; None for any other.

    Examples
    --------
    >>> read_list(["library", "list", "--person", "P-kqzt", "--json"])
    {'person': 'P-kqzt', 'as_json': True}
    >>> read_list(["library", "list", "--help"])
    """
    if tuple(words[:2]) != _COMMAND:
        return None
    found: dict[str, Any] = {}
    rest = iter(words[2:])
    for word in rest:
        name = "as_json" if word == "--json" else "tag" if word == "--tag" else VALUES.get(word, "")
        if not name or (name in found and name != "tag"):
            return None
        value = "" if name == "as_json" else next(rest, "")
        if (name != "as_json" and not _is_plain(value)) or (name == "gait" and value not in GAITS):
            return None
        found[name] = True if name == "as_json" else (*found.get("tag", ()), value) if name == "tag" else value
    return found


def _is_plain(value: str) -> bool:
    """Whether a word could not be an option, nor be missing."""
    return bool(value.strip()) and not value.startswith("-")
