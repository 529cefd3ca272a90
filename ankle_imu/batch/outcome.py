"""What one job gives back: small, plain and ready to travel between processes."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.errors import explain

if TYPE_CHECKING:
    from ankle_imu.values import SessionResult

_ALIGNMENT: Final = ("good", "fair", "doubtful", "failed")


@dataclass(frozen=True, kw_only=True)
class SessionOutcome:
    """One session of a batch.

    Parameters
    ----------
    ref : str, the session as it was asked for
    told : mapping, what `describe` says of its result; None when it failed, or was up to date and is only counted
    result : str, folder of the saved result; "" when there is none
    is_up_to_date : bool, nothing had to be done
    reason : str, why it failed; "" when it did not
    exit_code : int, 0 when it did not fail
    trace : str, where an unexpected error came from
    """

    ref: str
    told: Mapping[str, Any] | None = None
    result: str = ""
    is_up_to_date: bool = False
    reason: str = ""
    exit_code: int = 0
    trace: str = ""

    @classmethod
    def from_error(cls, ref: str, error: BaseException) -> SessionOutcome:
        """The outcome of a session that ended with `error`; the error itself does not travel."""
        reason, code = explain(error)
        return cls(ref=ref, reason=reason, exit_code=code, trace="".join(traceback.format_exception(error)))


def describe(path: str | Path, result: SessionResult) -> dict[str, Any]:
    """Everything the terminal or `--json` tells about one analyzed session, as plain values."""
    from ankle_imu.report.verdict import judge

    verdict = judge(result)
    kinds = result.events["kind"].value_counts()
    return {
        "session": result.session.session_id or Path(path).name,
        "path": path,
        "alias": result.session.alias,
        "duration_s": result.duration_s,
        "legs": _leg_rows(result),
        "events": {str(kind): int(n) for kind, n in kinds.items()},
        "verdict": {"lines": verdict.lines, "sure": verdict.sure, "reasons": verdict.reasons},
        "warnings": result.quality["warnings"],
    }


def _leg_rows(result: SessionResult) -> list[dict[str, Any]]:
    return [_leg_row(result, row) for row in result.summary.to_dict("records")]


def _leg_row(result: SessionResult, row: dict[Any, Any]) -> dict[str, Any]:
    metric = "shank_range_stance_deg" if row["angle_source"] == "none" else "range_stance_deg"
    return {
        **{name: row[name] for name in ("leg", "gait", "angle_source", "n_strides", "n_accepted")},
        "metric": metric,
        "range_median_deg": row[f"{metric}_median"],
        "range_ci_low_deg": row[f"{metric}_ci_low"],
        "range_ci_high_deg": row[f"{metric}_ci_high"],
        "speed_median_mps": row["speed_mps_median"],
        "alignment": _worst_alignment(result, row["leg"]),
        "lost_share": _lost_share(result, row["leg"]),
    }


def _worst_alignment(result: SessionResult, leg: str) -> str:
    verdicts = [a["verdict"] for p, a in result.quality["alignment"].items() if p.startswith(leg)]
    return max(verdicts, key=_ALIGNMENT.index, default="")


def _lost_share(result: SessionResult, leg: str) -> float:
    own = [s for p, s in result.quality["sensors"].items() if p.startswith(leg)]
    return float(sum(s["lost"] for s in own) / max(1, sum(s["expected"] for s in own)))
