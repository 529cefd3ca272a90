"""One thing that was looked at, what was found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OK: Final = "ok"
WARN: Final = "warn"
FAIL: Final = "FAIL"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`verdict` is `OK`, `WARN` or `FAIL`; `fix` is "" when there is nothing to do."""

    what: str
    verdict: str
    found: str
    fix: str = ""
