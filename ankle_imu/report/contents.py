"""Rows, captions and alt texts of the page: what each table and picture says, as plain text."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ankle_imu import frames
from ankle_imu.metrics.curves import left_out
from ankle_imu.metrics.summary import MIN_STRIDES_MEDIAN
from ankle_imu.report import series, words
from ankle_imu.report.grid import Grid

if TYPE_CHECKING:
    import pandas as pd

    from ankle_imu.values import SessionResult

SHOWN_GAPS: Final = 20
TRACK: Final = "track: "
"""How a warning begins that is of the way, not of what the sensors sent."""


def sensors_grid(result: SessionResult) -> Grid:
    """Ledger of each sensor."""
    rows = []
    for placement, x in result.quality.get("sensors", {}).items():
        lost = f"{x['lost']:,} ({words.percent(x['lost'], x['expected'])})"
        drift = f"{_signed(x.get('clock_ppm'))} ppm, ± {1e3 * x.get('clock_residual_s', np.nan):.1f} ms"
        drift = drift if np.isfinite(x.get("clock_ppm", np.nan)) else "–"
        rate = words.quantity(x.get("true_rate_hz", np.nan), "Hz")
        counts = (f"{x['expected']:,}", lost, f"{x.get('healed', 0):,}", f"{x.get('clipped', 0):,}")
        rows.append((words.side(placement), *counts, rate, drift))
    head = ("Sensor", "Samples due", "Lost", "Healed", "At range end", "Rate", "Clock")
    return Grid(caption="What each sensor sent", head=head, rows=tuple(rows))


def _signed(value: float | None) -> str:
    return f"{value:+.0f}".replace("-", "−") if value is not None and np.isfinite(value) else "–"


def alignment_grid(result: SessionResult) -> Grid:
    """How well the mounting of each sensor is known."""
    rows = tuple(
        (
            words.side(p).capitalize(),
            a["verdict"],
            a["method"],
            f"± {words.quantity(a['sigma_yaw_deg'], 'deg')}",
            words.sentence(a["reason"]) or "–",
        )
        for p, a in result.quality.get("alignment", {}).items()
    )
    head = ("Sensor", "Verdict", "Found from", "Heading known to", "Remark")
    return Grid(caption="How each sensor sits on its segment", head=head, rows=rows)


def unmeasurable_grid(result: SessionResult) -> Grid:
    """Columns that stayed empty, joined by reason."""
    by_reason: dict[str, list[str]] = {}
    for column, reason in result.quality.get("unmeasurable", {}).items():
        by_reason.setdefault(str(reason), []).append(str(column))
    rows = tuple((", ".join(columns), reason) for reason, columns in by_reason.items())
    return Grid(caption="Not measurable in this session", head=("Column", "Why"), rows=rows)


def has_enough(result: SessionResult) -> bool:
    """Whether a leg has so many usable strides that a distribution or a course over time says something."""
    legs = result.strides.loc[result.strides["accepted"].astype(bool), "leg"]
    return bool(legs.value_counts().max() >= MIN_STRIDES_MEDIAN) if len(legs) else False


def has_loss(result: SessionResult) -> bool:
    """Whether there is anything to draw of what was lost."""
    gaps = result.quality.get("gaps")
    return gaps is not None and len(gaps) > 0


def gaps_grid(result: SessionResult) -> Grid:
    """The longest gaps."""
    gaps = result.quality.get("gaps")
    if gaps is None or not len(gaps):
        return Grid(caption="No gaps", head=("Sensor", "Start", "Length", "Reason", "Bridged"), rows=())
    longest = gaps.assign(length=gaps["end_s"] - gaps["start_s"]).nlargest(SHOWN_GAPS, "length")
    rows = tuple(
        (
            words.side(g.placement),
            words.clock(g.start_s),
            f"{g.length:.2f} s",
            g.reason or "–",
            "yes" if g.filled else "no",
        )
        for g in series.rows(longest)
    )
    of = f"the {len(rows)} longest of {len(gaps):,}" if len(gaps) > len(rows) else f"all {len(gaps)}"
    return Grid(caption=f"Gaps: {of}", head=("Sensor", "Start", "Length", "Reason", "Bridged"), rows=rows)


def sync_sentence(result: SessionResult) -> str:
    """How well two sensors of one leg agree in time."""
    sync = result.quality.get("sync") or {}
    parts = [(side, s) for side, s in sync.items() if isinstance(s, dict)] or ([("", sync)] if sync else [])
    texts = [
        f"{words.side(side)} sensors {1e3 * s['lag_s']:.0f} ms apart, coherence {s['coherence']:.2f}".strip()
        for side, s in parts
        if np.isfinite(s.get("lag_s", np.nan))
    ]
    if texts:
        return "Timing between sensors: " + "; ".join(texts) + "."
    return "Timing between sensors was not checked: that needs foot and shank of one leg, moving."


def data_warnings(result: SessionResult) -> list[str]:
    """Warnings of what the sensors sent; those of the track stand with the way."""
    return [w for w in result.quality.get("warnings", []) if not w.startswith(TRACK)]


def rejected_sentence(result: SessionResult) -> str:
    """How many strides were set aside or not drawn, and why; empty when none was."""
    rejected = result.strides[~result.strides["accepted"].astype(bool)]
    sentences = []
    if len(rejected):
        reasons = rejected["reject_reason"].replace("", "no reason given").value_counts()
        parts = ", ".join(f"{reason} ({n:,})" for reason, n in reasons.items())
        sentences.append(f"Strides set aside: {len(rejected):,} of {len(result.strides):,}: {parts}.")
    few = left_out(result.strides)
    if few:
        strides = words.plural(few, "stride")
        sentences.append(f"Too few to draw: {strides} during which one of the leg's two sensors sent nothing.")
    return " ".join(sentences)


def quality_alt(result: SessionResult) -> str:
    """Alt text of the loss picture."""
    parts = [
        f"{words.side(p)} lost {words.percent(x['lost'], x['expected'])}"
        for p, x in result.quality.get("sensors", {}).items()
    ]
    open_gaps = len(series.open_gaps(result))
    return f"Samples lost over time: {'; '.join(parts) or 'no sensor'}; {words.plural(open_gaps, 'open gap')}."


def stride_heading(result: SessionResult) -> str:
    """Heading of the curves, after what the sensors may claim."""
    parts = {"joint": "ankle", "foot": "foot", "none": "shank"}
    found = [parts[source] for source in series.sources(result)]
    return f"The {words.listing(found)} over a stride"


def events_grid(result: SessionResult) -> Grid:
    """Events in order of time, rolls with the strides and seconds until all was as before."""
    after = series.recovery(result).set_index("event_id")
    rows = tuple(
        (
            str(e.event_id), words.clock(e.time_s), e.leg or "–", words.EVENT.get(e.kind, e.kind),
            words.quantity(e.peak_deg, "deg"), words.quantity(e.peak_dps, "deg/s"),
            _then(e, after), words.ANSWER.get(e.verdict, e.verdict) or "–",
            e.note or "–",
        )
        for e in series.rows(series.shown_events(result))
    )  # fmt: skip
    shown = f"the {len(rows)} largest of {len(result.events):,}" if len(rows) < len(result.events) else "all"
    head = ("No.", "Time", "Leg", "What", "Angle", "Rate", "Then (until as before)", "You said", "Note")
    return Grid(caption=f"Events: {shown}", head=head, rows=rows)


def _then(event: Any, after: pd.DataFrame) -> str:
    """Outcome of an event, and how long until all was as before."""
    end = words.OUTCOME.get(event.outcome, event.outcome)
    if event.event_id not in after.index or not np.isfinite(after["recovery_s"][event.event_id]):
        return end or "–"
    strides, seconds = int(after["recovery_strides"][event.event_id]), float(after["recovery_s"][event.event_id])
    return f"{end} ({words.plural(strides, 'stride')}, {seconds:.1f} s)".strip()


def methods_grid(result: SessionResult) -> Grid:
    """Settings and identity of the analysis."""
    session = result.session
    rows = [
        ("session", session.session_id or "–"), ("person", session.alias or "–"),
        ("started (UTC)", session.started_utc or "–"), ("length", words.span(result.duration_s)),
        ("sampling rate of the analysis", words.quantity(result.sampling_rate, "Hz")),
        *((f"sensor, {words.side(p)}", _sensor(s)) for p, s in session.sensors.items()),
        ("affected leg", session.affected_leg), ("footwear", session.footwear), ("brace", session.brace),
        ("surface", session.surface), ("note", session.note), ("imported by", session.importer),
        ("ankle_imu version", result.version), ("settings digest", result.settings.digest()),
        *((f"setting {name}", str(value)) for name, value in asdict(result.settings).items()),
    ]  # fmt: skip
    return Grid(caption="What made this page", head=("Item", "Value"), rows=tuple(r for r in rows if r[1]))


def _sensor(info: Any) -> str:
    site = f"mounted {info.mount_site.replace('_', ' ')}" if info.mount_site else ""
    return ", ".join(part for part in (info.model, info.serial, site) if part) or "unknown model"


def limits(result: SessionResult) -> list[str]:
    """What the sensors worn cannot tell, leg by leg sensor set (methods sheet A1)."""
    worn = set(result.quality.get("sensors", {})) or set(result.session.sensors)
    sets = {frozenset(frames.segment_of(p) for p in worn if frames.leg_of(p) == leg) for leg in frames.LEGS}
    lines = []
    if frozenset({"foot"}) in sets:
        lines.append(
            "A foot sensor alone measures how the foot tilts against gravity. It cannot tell the ankle's share "
            "from the ground's: on a side slope of 10 deg it shows 10 deg whatever the ankle does. It says "
            "nothing of inversion or dorsiflexion of the joint."
        )
    if frozenset({"shank"}) in sets:
        lines.append(
            "A shank sensor alone measures how the shank tilts, and the timing of steps. It gives no inversion "
            "and no way of landing of the foot."
        )
    if frozenset({"foot", "shank"}) in sets:
        lines.append(
            "Foot and shank sensors measure the foot against the shank, relative to your own standing pose. They "
            "cannot part the two joints of the ankle, cannot see the bones under the skin, and give no absolute "
            "rotation of the foot."
        )
    return lines
