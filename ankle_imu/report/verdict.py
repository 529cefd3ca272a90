"""The first lines of a report: what was seen, in plain words, and how sure that is and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.metrics.excursions import rate_per_1000
from ankle_imu.metrics.stability import exposed
from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN, MIN_STRIDES_SPREAD
from ankle_imu.report import series, words
from ankle_imu.report.contents import data_warnings
from ankle_imu.report.series import excursion_metrics

if TYPE_CHECKING:
    from ankle_imu.values import SessionResult

LOSS_CAREFUL: Final = 0.02
"""Share of lost samples up to which simulated errors stay small when gaps are short (methods sheet H)."""
ACCEPTED_CAREFUL: Final = 0.8
"""Below this share of usable strides nothing is compared between sessions (methods sheet F4)."""

LOSS_MUCH: Final = 0.2
"""From here the loss alone explains that nothing was found (ours)."""

RATE_TELLS: Final = 100.0
"""Rolls per 1,000 strides up to which the upper end of a rate says something: one in ten strides (ours)."""

_IS: Final = {"fair": "is fair", "doubtful": "is doubtful", "failed": "failed"}

SURE: Final = ("Quite sure", "Take with care", "Do not rely on it")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`lines` in plain words; `level` 0 quite sure, 1 with care, 2 not to be relied on; the `reasons`."""

    lines: tuple[str, ...]
    level: int
    reasons: tuple[str, ...]

    @property
    def sure(self) -> str:
        """How sure, in words."""
        return SURE[self.level]


def judge(result: SessionResult) -> Verdict:
    """Say what a session shows and how sure that is."""
    doubts = sorted(_doubts(result), key=lambda doubt: -doubt[0])
    level = max((level for level, _ in doubts), default=0)
    return Verdict(
        lines=(*_what_was_seen(result), *_events_line(result)),
        level=level,
        reasons=tuple(text for _, text in doubts) or ("sensors, alignment and number of strides all passed.",),
    )


def _what_was_seen(result: SessionResult) -> list[str]:
    keys = series.shown_strata(result)
    if not keys:
        return [_nothing_seen(result)]
    lines = [_stratum_line(result, *key) for key in keys]
    return [line for line in lines if line] or [_too_few(result)]


def _nothing_seen(result: SessionResult) -> str:
    found = len(result.strides)
    if not found and (lost := _worst_loss(result)) > LOSS_MUCH:
        return (
            f"No strides were found in {words.span(result.duration_s)} of recording: "
            f"{words.percent(lost, 1.0)} of it never came from the sensors."
        )
    if not found:
        return (
            f"No strides were found in {words.span(result.duration_s)} of recording. That happens when nobody "
            "walked, when the walk was shorter than a few steps, or when the sensor was not on the foot or shank."
        )
    reasons = result.strides["reject_reason"].value_counts()
    return f"{words.plural(found, 'stride')} found, none usable; the most frequent reason: {reasons.index[0]}."


def _worst_loss(result: SessionResult) -> float:
    """The share of samples that the worst sensor lost."""
    sensors = result.quality.get("sensors", {}).values()
    return max((ledger["lost"] / max(1, ledger["expected"]) for ledger in sensors), default=0.0)


def _too_few(result: SessionResult) -> str:
    usable = result.strides[result.strides["accepted"].astype(bool)]
    counts = usable[["leg", "gait"]].value_counts(sort=False).reset_index(name="n").to_dict("records")
    told = words.listing([f"{row['n']} {words.GAIT[row['gait']].lower()} on the {row['leg']}" for row in counts])
    return (
        f"{words.plural(len(usable), 'usable stride')} ({told}): a typical value takes {MIN_STRIDES_MEDIAN} "
        "of one leg in one gait."
    )


def _stratum_line(result: SessionResult, source: str, gait: str) -> str:
    metric = excursion_metrics(source)[0]
    parts = []
    for leg in frames.LEGS:
        values = series.strides_of(result, leg, gait, source)[metric].to_numpy(float)
        values = values[np.isfinite(values)]
        if len(values) >= MIN_STRIDES_MEDIAN:
            parts.append(f"{np.median(values):.1f} deg on the {leg}")
    what = {"joint": "your ankle typically moved from side to side by", "foot": "your foot typically tilted by",
            "none": "your shank typically tilted by"}[source]  # fmt: skip
    return f"{words.GAIT[gait]}, {what} {words.listing(parts)} in each step." if parts else ""


def _events_line(result: SessionResult) -> list[str]:
    n = int(exposed(result.strides).sum())
    if n == 0 or not result.strides["accepted"].any():
        return []
    events = result.events[result.events["verdict"] != "false"]
    rolls = events[events["kind"].isin(["roll", "hard_roll", "eversion_roll"])]
    _, low, high = rate_per_1000(len(rolls), n)
    if not len(rolls) and high > RATE_TELLS:
        return [f"No ankle roll was found; {words.plural(n, 'stride')} are too few to say how often."]
    if not len(rolls):
        return [
            f"No ankle roll was found in {n:,} strides, which fits anything up to {high:.1f} per 1,000 strides."
        ]
    when = words.listing([words.clock(t) for t in rolls["time_s"].head(5)]) + (" …" if len(rolls) > 5 else "")
    if high > RATE_TELLS:
        return [f"{words.plural(len(rolls), 'likely ankle roll')} at {when}; too few strides to say how often."]
    rate = f"{low:.1f} to {high:.1f} per 1,000 strides" if low >= 0.05 else f"up to {high:.1f} per 1,000 strides"
    return [f"{words.plural(len(rolls), 'likely ankle roll')} at {when}, which fits {rate}."]


def _doubts(result: SessionResult) -> list[tuple[int, str]]:
    told = [*_alignment_doubts(result), *_loss_doubts(result), *_stride_doubts(result)]
    return [*told, *_other_warnings(result, told)]


def _other_warnings(result: SessionResult, told: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """What recording and analysis warned of the sensors' data and no doubt above has said already."""
    said = " ".join(text for _, text in told)
    return [
        (1, words.lower_first(warning))
        for warning in data_warnings(result)
        if warning.rstrip(".").split(": ", 1)[-1] not in said
    ]


def _alignment_doubts(result: SessionResult) -> list[tuple[int, str]]:
    """One doubt for all sensors that have it for the same reason."""
    levels = {"fair": 1, "doubtful": 2, "failed": 2}
    alike: dict[tuple[str, str], list[str]] = {}
    for placement, a in result.quality.get("alignment", {}).items():
        if a["verdict"] in levels:
            alike.setdefault((a["verdict"], _because(a)), []).append(words.side(placement))
    return [
        (
            levels[verdict],
            f"alignment of the {words.listing(names)} sensor{'s' if len(names) > 1 else ''} {_IS[verdict]}{why}.",
        )
        for (verdict, why), names in alike.items()
    ]


def _because(alignment: dict[str, str]) -> str:
    reason = str(alignment.get("reason", "")).rstrip(".")
    return f" ({reason})" if reason else ""


def _loss_doubts(result: SessionResult) -> list[tuple[int, str]]:
    doubts = []
    for placement, ledger in result.quality.get("sensors", {}).items():
        share = ledger["lost"] / max(1, ledger["expected"])
        if share > LOSS_CAREFUL:
            text = f"the {words.side(placement)} sensor lost {words.percent(ledger['lost'], ledger['expected'])}."
            doubts.append((2 if share > LOSS_MUCH else 1, text))
    return doubts


def _stride_doubts(result: SessionResult) -> list[tuple[int, str]]:
    found, used = len(result.strides), int(result.strides["accepted"].sum())
    if used == 0:
        return [(2, "there is no usable stride.")]
    doubts = []
    if used / found < ACCEPTED_CAREFUL:
        doubts.append((1, f"only {words.percent(used, found)} of the strides were usable."))
    if used < MIN_STRIDES_SPREAD:
        doubts.append((1, f"{words.plural(used, 'usable stride')} are few."))
    return doubts
