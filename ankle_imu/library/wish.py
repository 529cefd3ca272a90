"""What a session must be to be found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_DATE: Final = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T([01]\d|2[0-3])(:?[0-5]\d)?)?)?)?")


@dataclass(frozen=True, kw_only=True)
class Search:
    """What a session must be to be found; where a word is empty, any.

    Parameters
    ----------
    person, kind : as noted
    since, until : start in UTC, as far as it is given (`2026`, `2026-05`, `2026-05-02`, `2026-05-02T08`), both
        included
    gait : found in the result
    tags : all of them, whole words; capitals make no difference in this and the next two
    surface : in the noted surface
    text : in anything a person wrote, or the id
    """

    person: str = ""
    since: str = ""
    until: str = ""
    gait: str = ""
    tags: tuple[str, ...] = ()
    surface: str = ""
    kind: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        for date in (self.since, self.until):
            if date and not _DATE.fullmatch(date):
                raise ValueError(f"{date!r} is no date; expected for example 2026, 2026-05 or 2026-05-02.")

    def where(self) -> tuple[str, list[str]]:
        """Condition of the query, and its values."""
        since, until = (_with_colon(date) for date in (self.since, self.until))
        conditions = [
            ("alias = ?", self.person),
            ("began >= ?", since),
            (f"substr(began, 1, {len(until)}) <= ?", until),
            ("instr(gaits, ?)", self.gait and f"\n{self.gait}\n"),
            *(("instr(fold(tags), ?)", f"\n{tag.casefold()}\n") for tag in self.tags),
            ("instr(fold(surface), ?)", self.surface.casefold()),
            ("kind = ?", self.kind),
            ("instr(words, ?)", self.text.casefold()),
        ]
        used = [(condition, value) for condition, value in conditions if value]
        return " AND ".join(c for c, _ in used) or "1", [value for _, value in used]


def _with_colon(date: str) -> str:
    """`2026-05-02T0810` as `2026-05-02T08:10`."""
    return re.sub(r"(T\d\d)(\d\d)$", r"\1:\2", date)
