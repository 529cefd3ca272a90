"""Plain names and number formats of what a report shows."""

from __future__ import annotations

import math
from typing import Final

from ankle_imu import frames, tables

GAIT: Final = {"walk": "Walking", "jog": "Jogging", "run": "Running"}
SOURCE: Final = {
    "joint": "foot against shank (two sensors)",
    "foot": "foot against gravity (foot sensor alone)",
    "none": "shank sensor alone",
}
FRONTAL: Final = {"joint": "Ankle inversion", "foot": "Foot tilt", "none": "Shank tilt"}
SAGITTAL: Final = {"joint": "Ankle dorsiflexion", "foot": "Foot pitch", "none": "Shank pitch"}
AXIS: Final = {
    "inversion": "inversion (+), deg",
    "dorsiflexion": "dorsiflexion (+), deg",
    "foot_tilt": "tilt, inversion side (+), deg",
    "foot_pitch": "pitch, toe up (+), deg",
    "shank_tilt": "knee lateral of ankle (+), deg",
    "shank_pitch": "knee ahead of ankle (+), deg",
}
EVENT: Final = {
    "wobble": "big wobble",
    "roll": "ankle roll, likely",
    "hard_roll": "hard roll: check your ankle",
    "eversion_roll": "roll to the inside, likely",
    "marker": "marker",
}
OUTCOME: Final = {"save": "caught", "disrupted": "disrupted", "na": ""}
ANSWER: Final = {"none": "", "real": "yes, it was", "false": "no, it was not", "painful": "yes, and it hurt"}

METRIC: Final = {
    "range_stance_deg": "Side-to-side range in stance",
    "inv_excursion_deg": "Inversion excursion",
    "ev_excursion_deg": "Eversion excursion",
    "inv_at_ic_deg": "Angle at initial contact",
    "tilt_ff_deg": "Foot tilt at foot-flat",
    "peak_inv_vel_dps": "Peak inversion velocity",
    "peak_ev_vel_dps": "Peak eversion velocity",
    "time_to_peak_inv_s": "Time to peak inversion",
    "df_at_ic_deg": "Dorsiflexion at initial contact",
    "df_range_deg": "Dorsiflexion range",
    "pf_at_to_deg": "Plantarflexion at toe-off",
    "peak_pf_vel_dps": "Peak plantarflexion velocity",
    "shank_range_stance_deg": "Shank tilt range in stance",
    "peak_shank_vel_dps": "Peak shank tilt velocity",
    "strike_angle_deg": "Strike angle (+ heel first)",
    "slope_deg": "Slope under the foot",
    "height_change_m": "Height change per stride",
    "stride_time_s": "Stride time",
    "stance_time_s": "Stance time",
    "duty_factor": "Duty factor",
    "cadence_spm": "Cadence",
    "stride_length_m": "Stride length",
    "speed_mps": "Speed",
    "settle_s": "Time to settle",
    "overshoot_deg": "Overshoot",
}
"""Every metric of `tables.METRICS`, in the order a reader wants them."""

UNITS: Final = {c.name: "" if c.unit == "1" else c.unit for c in tables.STRIDES.columns}


def side(placement: str) -> str:
    """Words for a placement or leg: `left_foot` -> `left foot`."""
    return placement.replace("_", " ")


def number(value: float, unit: str = "") -> str:
    """Format a value with as many digits as its unit deserves; an en dash where it is not known."""
    if not math.isfinite(value):
        return "–"
    digits = {"deg": 1, "deg/s": 0, "steps/min": 0, "s": 2, "m": 2, "m/s": 2}.get(unit, 2)
    text = f"{value:.{digits}f}".replace("-", "−")
    return text.lstrip("−") if float(f"{value:.{digits}f}") == 0.0 else text


def quantity(value: float, unit: str) -> str:
    """Format a value with its unit."""
    return f"{number(value, unit)} {unit}".strip() if math.isfinite(value) else "–"


def percent(part: float, whole: float) -> str:
    """Format a share; small ones keep their meaning (`< 0.1 %`)."""
    if whole <= 0:
        return "–"
    share = 100.0 * part / whole
    if share == 0.0:
        return "0\u00a0%"
    text = "< 0.1 %" if 0.0 < share < 0.1 else f"{share:.1f} %" if share < 10.0 else f"{share:.0f} %"
    return text.replace(" ", "\u00a0")


def clock(seconds: float) -> str:
    """Minutes and seconds from session start, with hours where there are any: `12:05`, `1:02:05`."""
    if not math.isfinite(seconds):
        return "–"
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}" if hours else f"{rest // 60}:{rest % 60:02d}"


def span(seconds: float) -> str:
    """Words for a length of time: `48 s`, `1 min 30 s`, `12 min`, `2 h 05 min`."""
    if seconds < 89.5:
        return f"{seconds:.0f} s"
    if seconds < 599.5:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    minutes = round(seconds / 60.0)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def listing(parts: list[str]) -> str:
    """Join words: `a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def plural(n: int, noun: str) -> str:
    """`1 stride`, `2 strides`, `1,200 strides`."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def sentence(text: str) -> str:
    """What was found, as a sentence of its own; the name of a file at its beginning stays as it is.

    Examples
    --------
    >>> sentence("left_foot: no samples"), sentence("track.gpx is no GPX file.")
    ('Left foot: no samples.', 'track.gpx is no GPX file.')
    """
    for placement in frames.PLACEMENTS:
        text = text.replace(placement, side(placement))
    text = text.strip()
    is_file = "." in text.partition(" ")[0][:-1]
    begun = text if is_file else text[:1].upper() + text[1:]
    return begun + ("" if text.endswith((".", "?", "!")) or not text else ".")


def lower_first(sentence: str) -> str:
    """The sentence as the second half of another: small first letter, one full stop at its end."""
    for placement in frames.PLACEMENTS:
        sentence = sentence.replace(placement, side(placement))
    return sentence[:1].lower() + sentence[1:].rstrip(".") + "."
