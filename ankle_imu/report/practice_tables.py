"""The tables of a practice page."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from ankle_imu.report import practice_words as told
from ankle_imu.report import words
from ankle_imu.report.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ankle_imu.mobility import PracticeResult

_deg = "deg"


def ranges_grid(result: PracticeResult) -> Grid:
    """Every range: best, spread, number, gap with its detectable change."""
    rows = tuple(
        (
            told.action(row).capitalize(),
            _range(row.active_deg, row.active_spread_deg, row.active_n),
            _range(row.assisted_deg, row.assisted_spread_deg, row.assisted_n),
            f"{words.number(row.gap_deg, _deg)} ± {row.mdc_deg:.1f}" if math.isfinite(row.gap_deg) else "–",
            told.SOURCE[row.angle_source],
            words.sentence(row.reason) if row.reason else "–",
        )
        for row in told.range_rows(result)
    )
    head = ("Action", "By itself, deg", "With help, deg", "Gap, deg", "Measured as", "Again?")
    return Grid(
        caption="Largest of the repetitions (spread, number); gap = with help less by itself", head=head, rows=rows
    )


def _range(best: float, spread: float, n: int) -> str:
    if not math.isfinite(best):
        return "–"
    return f"{words.number(best, _deg)} ({words.number(spread, _deg)}, {n})"


def holds_grid(result: PracticeResult) -> Grid:
    """Every hold: time, level, sag, tremor, dose and why it ended."""
    rows = tuple(
        (
            told.action(row).capitalize(),
            f"{row.duration_s:.1f}",
            f"{words.number(row.level_deg, _deg)} ({words.percent(row.range_share, 1.0)})",
            f"{row.drift_dps:+.2f}".replace("-", "−"),
            f"{row.tremor_dps:.1f}",
            f"{row.dose_deg_s:.0f}",
            row.end_reason,
        )
        for row in told.rows_of(result.holds)
    )
    head = (
        "Action",
        "Held, s",
        "Level, deg (of own range)",
        "Sag, deg/s",
        "Tremor, deg/s",
        "Dose, deg s",
        "Ended",
    )
    return Grid(caption="Holds; their times add up to the time under tension", head=head, rows=rows)


def tension_grid(result: PracticeResult) -> Grid:
    """Time under tension and dose by leg, action and load."""
    found: dict[str, list[Any]] = {}
    for row in told.rows_of(result.holds):
        found.setdefault(told.action(row).capitalize(), []).append(row)
    rows = tuple(
        (
            name,
            str(len(own)),
            f"{sum(r.duration_s for r in own):.1f}",
            f"{max(r.duration_s for r in own):.1f}",
            f"{sum(r.dose_deg_s for r in own):.0f}",
        )
        for name, own in found.items()
    )
    head = ("Action", "Holds", "Time under tension, s", "Longest, s", "Dose, deg s")
    return Grid(caption="Time under tension and dose", head=head, rows=rows)


def lift_off_grid(result: PracticeResult) -> Grid:
    """What is lost when the support is left."""
    rows = tuple(
        (
            told.action(row).capitalize(),
            words.number(row.supported_deg, _deg),
            *(words.number(x, _deg) for x in (row.lost_deg, row.lost_5s_deg, row.lost_10s_deg, row.lost_20s_deg)),
        )
        for row in told.rows_of(result.holds)
        if math.isfinite(row.supported_deg)
    )
    head = ("Action", "On the support, deg", "Lost at once", "After 5 s", "After 10 s", "After 20 s")
    return Grid(caption="Lift-off: angle lost without the support, deg", head=head, rows=rows)


def sway_grid(result: PracticeResult) -> Grid:
    """Every stance."""
    rows = tuple(
        (
            f"{row.leg} {row.segment}, eyes {row.eyes}".capitalize(),
            f"{row.duration_s:.0f}",
            f"{row.rms_deg:.2f}",
            f"{row.path_deg_per_s:.2f}",
            words.number(row.tilt_range_deg, _deg),
            words.number(row.pitch_range_deg, _deg),
            str(row.n_steps),
        )
        for row in told.rows_of(result.sway)
    )
    head = ("Segment", "Stood, s", "Sway, deg", "Path, deg/s", "Side to side, deg", "Fore and aft, deg", "Steps")
    return Grid(caption="Standing on one leg, longest stretch without a step", head=head, rows=rows)


def compensations_grid(result: PracticeResult) -> Grid:
    """What moved along."""
    blocks = {row.block_id: row for row in told.rows_of(result.blocks)}
    rows = tuple(
        (
            words.clock(row.time_s),
            block_name(blocks[row.block_id]),
            told.KIND[row.kind],
            words.number(row.size_deg, _deg),
            f"{row.seen_by} sensor",
        )
        for row in told.rows_of(result.compensations)
    )
    return Grid(
        caption="What moved along that should have kept still",
        head=("At", "Block", "What", "Size, deg", "Seen by"),
        rows=rows,
    )


def block_name(row: Any) -> str:
    """A block in words."""
    is_assisted = "with help" if row.exercise == "rom" and row.mode == "assisted" else ""
    eyes = f"eyes {row.eyes}" if row.exercise == "balance" else ""
    where = row.position if row.position == "kneeling" else ""
    parts = (f"{row.leg} {told.EXERCISE[row.exercise]}", row.action, is_assisted, where, eyes, told.load(row))
    return ", ".join(filter(None, parts))


_CUES: Final = {
    "malleoli_level": "Ankle bones level",
    "heel_down": "Heel down",
    "second_toe_in_line": "Second toe in line",
}


def cues_grid(result: PracticeResult) -> Grid:
    """How each block was placed against the neutral pose, as far as the sensors see it."""
    blocks = {str(row.block_id): row for row in told.rows_of(result.blocks)}
    rows = []
    for key, cues in result.quality.get("cues", {}).items():
        seen = {one["name"]: one for one in cues}
        rows.append((block_name(blocks[key]).capitalize(), *(_cue(seen.get(name)) for name in _CUES)))
    return Grid(
        caption="How blocks began, and by how many deg that differed from the neutral pose",
        head=("Block", *_CUES.values()),
        rows=tuple(rows),
    )


def _cue(one: Any) -> str:
    if one is None:
        return "–"
    value = words.number(float(one["value_deg"]), _deg)
    return {"ok": f"yes ({value})", "off": f"differs ({value})", "unseen": "not seen"}[one["verdict"]]


def unseen_sentence(result: PracticeResult) -> str:
    """Why cues were not seen, "" where all were."""
    reasons = {
        "headings drift apart, so the line of the toe is told for a minute after a neutral pose"
        if "headings" in one["reason"]
        else one["reason"]
        for cues in result.quality.get("cues", {}).values()
        for one in cues
        if one["verdict"] == "unseen"
    }
    return f"Not seen: {'; '.join(sorted(reasons))}." if reasons else ""


def blocks_grid(result: PracticeResult) -> Grid:
    """What was done when."""
    rows = tuple(
        (
            words.clock(row.start_s),
            block_name(row).capitalize(),
            f"{row.end_s - row.start_s:.0f} s",
            words.sentence(row.reason) if row.reason else "–",
        )
        for row in told.rows_of(result.blocks)
    )
    return Grid(caption="Blocks", head=("At", "What", "Length", "Why not, or less"), rows=rows)


def notes_grid(result: PracticeResult) -> Grid:
    """What was typed while practising."""
    rows = tuple((words.clock(one["time_s"]), one["text"]) for one in result.quality.get("notes", ()))
    return Grid(caption="What you said", head=("At", "Words"), rows=rows)


def bands_grid(result: PracticeResult) -> Grid:
    """Published values of what was measured."""
    actions = dict.fromkeys(result.ranges["action"])
    rows = tuple(
        (name.capitalize(), f"{band.low_deg:g} to {band.high_deg:g}", words.sentence(band.source))
        for name, band in told.BANDS.items()
        if name in actions
    )
    return Grid(caption="Published values, for context", head=("Action", "deg", "Source"), rows=rows)


def sensors_grid(result: PracticeResult) -> Grid:
    """Each sensor: what came, how its direction was found, and what its accelerometer is off by."""
    aligned = result.quality.get("alignment", {})
    offsets = result.quality.get("accelerometers", {})
    rows = tuple(
        (
            words.side(p).capitalize(),
            f"{one['received']:,}",
            words.percent(one["lost"], one["expected"]),
            aligned.get(p, {}).get("method", "–"),
            aligned.get(p, {}).get("verdict", "–"),
            "calibrated" if one.get("calibration") else _offset(offsets.get(p, {})),
        )
        for p, one in result.quality.get("sensors", {}).items()
    )
    head = ("Sensor", "Samples", "Lost", "Direction from", "Verdict", "Accelerometer")
    return Grid(caption="Sensors", head=head, rows=rows)


def _offset(found: Mapping[str, Any]) -> str:
    """What the poses of the session showed of an accelerometer that nobody had calibrated."""
    if not found.get("applied"):
        return "offset not known"
    size, doubt = math.hypot(*found["offset_mg"]), 1.96 * told.angle_doubt(found)
    return f"{size:.0f} mg off, found in {found['still_s']} s of stillness; leaves ± {doubt:.1f} deg (95 %)"
