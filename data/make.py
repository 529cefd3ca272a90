"""Make the three recordings of this folder; the same seeds give the same walks.

Run `python data/make.py` from a checkout with the package installed. Give folder names to make only those.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ankle_imu import session_io, simulate, tables
from ankle_imu.simulate import Plan, Truth

HERE = Path(__file__).parent
TRUTH_HZ = 52.0
"""Angles are stored at half the sensors' rate: enough to draw and compare, a quarter of the size of all."""

RATE = 104.0
RIGHT_PAIR = ("right_foot", "right_shank")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One recording: what is simulated, from which seed, and how the session is called."""

    plan: Plan
    seed: int
    session_id: str
    started_utc: str
    note: str
    is_damaged: bool = False


SAMPLES = {
    "level_walk": Sample(
        plan=Plan(duration_s=90.0, sampling_rate=RATE, placements=("left_foot",), errors="typical"),
        seed=11,
        session_id="2026-04-04T070000Z_leve",
        started_utc="2026-04-04T07:00:00Z",
        note="level path, one sensor on the left instep",
    ),
    "hill": Sample(
        plan=Plan(
            duration_s=190.0,
            sampling_rate=RATE,
            placements=RIGHT_PAIR,
            gait="mixed",
            terrain="hill",
            rolls=2,
            errors="typical",
        ),
        seed=14,
        session_id="2026-04-11T083000Z_hill",
        started_utc="2026-04-11T08:30:00Z",
        note="up and down a hill, sensors on right instep and shank, the ankle rolled twice",
    ),
    "damaged": Sample(
        plan=Plan(
            duration_s=80.0,
            sampling_rate=RATE,
            placements=RIGHT_PAIR,
            terrain="uneven",
            errors="typical",
            loss=0.02,
            gap_s=0.04,
        ),
        seed=21,
        session_id="2026-04-18T090000Z_dama",
        started_utc="2026-04-18T09:00:00Z",
        note="radio losses, then a file with flipped bits, a zeroed block and no end",
        is_damaged=True,
    ),
}

ZEROED = (0.45, 2048)
FLIPPED = (0.60, 0.72)
KEPT = 0.86
"""Damage, as fractions of the whole file: where a block of bytes is zeroed and how long it is, where single
bits are flipped, and how much is left when the end is cut off."""


def make(name: str, into: Path = HERE) -> Path:
    """Make one recording with its truth in `into/<name>`; what was there is replaced.

    Parameters
    ----------
    name : str, a key of `SAMPLES`
    into : Path

    Returns
    -------
    Path of the session folder
    """
    sample = SAMPLES[name]
    recording, truth = simulate.walk(sample.plan, seed=sample.seed)
    info = replace(
        recording.session,
        alias="P-demo",
        session_id=sample.session_id,
        started_utc=sample.started_utc,
        note=sample.note,
    )
    target = into / name
    with tempfile.TemporaryDirectory() as scratch:
        made = session_io.save_simulation(recording, scratch, info=info)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target)
    if sample.is_damaged:
        part = target / "raw" / "part-0001.mcap"
        part.write_bytes(damage(part.read_bytes()))
    write_truth(truth, sample.plan, target / "truth")
    return target


def damage(data: bytes) -> bytes:
    """What a bad card and an empty battery make of a file: a zeroed block, two flipped bits, no end."""
    spoilt = bytearray(data)
    at, length = int(ZEROED[0] * len(data)), ZEROED[1]
    spoilt[at : at + length] = bytes(length)
    for share in FLIPPED:
        spoilt[int(share * len(data))] ^= 0x10
    return bytes(spoilt[: int(KEPT * len(data))])


def write_truth(truth: Truth, plan: Plan, folder: Path) -> None:
    """Write the answer sheet: strides, rolls and contacts of the sensed legs, angles at `TRUTH_HZ`."""
    folder.mkdir()
    legs = list(plan.legs)
    for name in ("strides", "events", "contacts"):
        table = getattr(truth, name)
        _write(table[table["leg"].isin(legs)].reset_index(drop=True), folder / f"{name}.parquet")
    _write(_thin_angles(truth, plan), folder / "angles.parquet")
    text = json.dumps(_session_truth(truth, plan), indent=1)
    (folder / "session.json").write_text(text + "\n", encoding="utf-8")


def _thin_angles(truth: Truth, plan: Plan) -> pd.DataFrame:
    every = round(plan.sampling_rate / TRUTH_HZ)
    own = ["time_s", *(n for n in tables.ANGLES.names if n.split("_")[0] in plan.legs)]
    thin = truth.angles[own].iloc[::every].reset_index(drop=True)
    # 1e-3 deg is finer than any use of them, and compresses well
    angles = thin.drop(columns="time_s").round(3).astype("float32")
    return pd.concat([thin[["time_s"]].round(6), angles], axis=1)


def _session_truth(truth: Truth, plan: Plan) -> dict[str, Any]:
    return {
        "format_version": 1,
        "sampling_rate_hz": plan.sampling_rate,
        "duration_s": plan.duration_s,
        "standing_deg": {leg: {k: round(v, 4) for k, v in truth.standing[leg].items()} for leg in plan.legs},
        "segment_from_sensor_wxyz": {p: np.round(q, 6).tolist() for p, q in truth.alignment.items()},
        "gyr_bias_rad_s": {p: np.round(b, 6).tolist() for p, b in truth.gyr_bias.items()},
        "acc_bias_m_s2": {p: np.round(b, 6).tolist() for p, b in truth.acc_bias.items()},
        "phases_s": {name: [round(t, 3) for t in span] for name, span in truth.phases.items()},
    }


def _write(table: pd.DataFrame, path: Path) -> None:
    table.to_parquet(path, compression="zstd", index=False)


def main() -> None:
    """Make the recordings named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(SAMPLES)}; all when none is given"
    )
    names = parser.parse_args().names or list(SAMPLES)
    for name in names:
        folder = make(name)
        size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
        print(f"{folder}  {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
