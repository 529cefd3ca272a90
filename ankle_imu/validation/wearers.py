"""Many people who each strap the sensors on in their own way: alignment errors and stated doubt, by walk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.simulate import Plan
from ankle_imu.validation.score import Row
from ankle_imu.validation.simulated import LegErrors, range_errors, simulate_errors

Array = NDArray[np.float64]

FEWEST_WALKS: Final = 50
"""With fewer walks a share inside 1 sigma is printed, but not judged."""

TAP_AXIS_SD_DEG: Final = 2.0
"""How far the axis of a person's toe taps is from the foot's own: a guess until there are real taps (the
simulator's own are nearly ideal)."""

HEEL_RISE_SD_DEG: Final = 8.0
"""How differently people tip over the ball of the foot: over the 50 deg of heel rise about 6 deg of its axis, as
far apart as those of eight real feet (own experiments: 6.9)."""

INSIDE: Final = (0.60, 0.76)
"""Share of errors inside the stated 1 sigma that is taken for honest; 0.68 for a normal error."""

CELLS: Final[Mapping[str, Mapping[str, Any]]] = {
    "taps 2 deg off (SD)": {},
    "taps 2 deg off (SD), soft tissue 1-3 deg": {"wobble": 1.0},
    "taps 5 deg off": {"yaw": 5.0},
    "taps 5 deg off, soft tissue 1-3 deg": {"yaw": 5.0, "wobble": 1.0},
    "no movements": {"movements": False},
    "no movements, soft tissue 1-3 deg": {"movements": False, "wobble": 1.0},
}
"""Name of the cell -> what is not as in the first."""

TIGHT_WOBBLE: Final = 0.4
"""Factor on the soft tissue of `full` that makes it that of `typical`: a sensor worn tightly."""


def wearer(plan: Plan, seed: int, *, yaw: float = float("nan")) -> Plan:
    """The plan as one person would walk it: everything drawn that differs between people and days.

    Parameters
    ----------
    plan : Plan
    seed : int
    yaw : how far off the axis of the toe taps is, deg, to either side; NaN draws it
    """
    rng = np.random.default_rng([seed, 77])
    leg = str(rng.choice(["left", "right"]))
    drawn = TAP_AXIS_SD_DEG * rng.standard_normal()
    return replace(
        plan,
        placements=(f"{leg}_foot", f"{leg}_shank"),
        yaw_misalignment_deg=float(
            np.clip(drawn, -10.0, 10.0) if np.isnan(yaw) else rng.choice([-1.0, 1.0]) * yaw
        ),
        toe_out_deg=float(np.clip(7.0 + 6.0 * rng.standard_normal(), -8.0, 22.0)),
        heel_rise_tilt_deg=float(np.clip(HEEL_RISE_SD_DEG * rng.standard_normal(), -20.0, 20.0)),
        standing_rotation_deg=float(np.clip(-4.0 + 2.0 * rng.standard_normal(), -10.0, 2.0)),
        standing_tilt_deg=float(np.clip(2.0 * rng.standard_normal(), -5.0, 5.0)),
        speed_factor=float(rng.uniform(0.85, 1.15)),
        frontal_spread=float(rng.uniform(0.7, 1.6)),
    )


def score_wearers(plan: Plan, walks: int) -> Iterator[Row]:
    """Alignment and doubt over many wearers.

    Parameters
    ----------
    plan : Plan that all walk, each in his own way (`wearer`)
    walks : int, wearers per cell

    Yields
    ------
    Row
    """
    yield from _yaws(replace(plan, gait="walk", wobble=TIGHT_WOBBLE), walks)
    for gait in ("walk", "run"):
        for name, changed in CELLS.items():
            cell = replace(
                plan,
                gait=gait,
                wobble=changed.get("wobble", TIGHT_WOBBLE),
                movements=changed.get("movements", True),
            )
            legs = _walked(cell, walks, yaw=changed.get("yaw", float("nan")))
            yield from covered(legs, gait, _case(cell, walks), name)


def _walked(plan: Plan, walks: int, *, yaw: float) -> list[LegErrors]:
    return [e for seed in range(1, walks + 1) for e in simulate_errors(wearer(plan, seed, yaw=yaw), 500 + seed)]


def _case(plan: Plan, walks: int) -> str:
    length = f"{walks} wearers x {plan.duration_s:.0f} s"
    return f"{plan.gait}, {plan.sampling_rate:.0f} Hz, {plan.terrain}, {length}"


def _yaws(plan: Plan, walks: int) -> Iterator[Row]:
    """Yaw of foot and shank after movements about the foot's own axis, and from walking alone."""
    for name, yaw, movements in (("taps about the foot's own axis", 0.0, True), ("no movements", 0.0, False)):
        cell = replace(plan, movements=movements)
        legs = _walked(cell, walks, yaw=yaw)
        common: dict[str, Any] = {
            "dataset": "simulation",
            "case": _case(cell, walks),
            "how": f"{'; '.join(dict.fromkeys(e.how for e in legs))} ({name})",
            "n": len(legs),
            "unit": "deg",
        }
        words = "movements" if movements else "walking"
        own = np.array([wearer(cell, 1 + k, yaw=yaw).standing_rotation_deg for k in range(walks)])
        for segment, quantity, expected in (
            ("foot", "foot yaw", 0.0),
            ("shank", "shank yaw less the wearer's own standing rotation", own),
        ):
            values = np.array([e.yaw_deg.get(segment, np.nan) for e in legs]) - expected
            known = values[np.isfinite(values)]
            yield Row(
                quantity=f"{quantity}, from {words}, 95 % of errors within",
                value=float(np.quantile(np.abs(known), 0.95)) if len(known) else float("nan"),
                target=3.0 if movements else float("nan"),
                reference=f"mean {known.mean():+.1f}, SD {known.std():.1f}" if len(known) else "",
                **common,
            )


def covered(legs: Sequence[LegErrors], gait: str, case: str, cell: str) -> Iterator[Row]:
    """Share of range errors inside the stated 1 sigma, and the errors themselves, every walk alike."""
    shares, sizes, stated = [], [], []
    for leg in legs:
        strides = leg.of_gait(gait)
        error = range_errors(strides).abs()
        sigma = strides["angle_sd_deg"][error.index]
        if len(error):
            shares.append(float((error < sigma).mean()))
            sizes.append(float(error.mean()))
            stated.append(float(sigma.mean()))
    if not shares:
        return
    is_judged = len(shares) >= FEWEST_WALKS
    common: dict[str, Any] = {
        "dataset": "simulation",
        "case": case,
        "n": len(shares),
        "how": "; ".join(dict.fromkeys(e.how for e in legs)),
    }
    low, high = resampled(np.array(shares))
    yield Row(
        quantity=f"inversion range errors inside the stated 1 sigma, {gait}, {cell}",
        value=float(np.mean(shares)),
        unit="1",
        least=INSIDE[0] if is_judged else float("nan"),
        target=INSIDE[1] if is_judged else float("nan"),
        reference=f"{low:.2f} to {high:.2f} with walks resampled; mean sigma {np.mean(stated):.2f} deg",
        **common,
    )
    yield Row(
        quantity=f"inversion range, {gait}, {cell}, mean absolute error",
        value=float(np.mean(sizes)),
        unit="deg",
        **common,
    )


def resampled(shares: Array) -> tuple[float, float]:
    """95 % interval of the mean of shares (k,), walks drawn with replacement, seed fixed."""
    rng = np.random.default_rng(1)
    means = rng.choice(shares, (2000, len(shares))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)
