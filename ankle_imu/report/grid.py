"""A table of the page, as plain text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Grid:
    """A table of the page: caption, column heads, rows whose first cell is the row's head."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def without_blanks(self) -> Grid:
        """The same without the columns in which no row says anything."""
        keep = [i for i in range(len(self.head)) if i == 0 or any(row[i] not in ("", "–") for row in self.rows)]
        rows = tuple(tuple(row[i] for i in keep) for row in self.rows)
        return Grid(caption=self.caption, head=tuple(self.head[i] for i in keep), rows=rows)
