"""Size and time of the page of a 3 h session with two sensors, against matplotlib making the same figures alone.

Run as a script: `python tests/benchmarks/bench_report.py [hours]`. A simulated walk of 200 s is analyzed
and its tables are repeated. Prints size and ratios, asserts nothing. Times are processor time of one thread, the
least of three taken in turns; the floors are `savefig` of figures that are already built, and building and saving
them. Aims: at most 1 MB, at most 1.5 times the floor.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

import ankle_imu as ai
from ankle_imu.metrics.summary import summarize
from ankle_imu.report import page
from ankle_imu.report.render import pictures
from ankle_imu.report.svg import svg_text

WALK_S = 200.0
TIMES = ("time_s", "start_s", "end_s", "ic_s", "ff_s", "to_s")


def long_result(hours: float) -> ai.SessionResult:
    """The result of a short simulated walk, repeated to the wanted length."""
    plan = ai.simulate.Plan(
        duration_s=WALK_S, sampling_rate=104.0, placements=("left_foot", "left_shank"), terrain="hill",
        gait="mixed", rolls=1, errors="typical",
    )  # fmt: skip
    recording, _ = ai.simulate.walk(plan, seed=3)
    short = ai.analyze(recording)
    n = max(1, round(hours * 3600.0 / WALK_S))
    own = {
        name: _repeated(getattr(short, name), n) for name in ("angles", "strides", "events", "bouts", "context")
    }
    for table, column in (("strides", "stride_id"), ("context", "stride_id"), ("events", "event_id")):
        own[table][column] = np.arange(len(own[table]))
    quality = {**short.quality, "gaps": _repeated(short.quality["gaps"], n)}
    return replace(short, **own, summary=summarize(own["strides"]), quality=quality, duration_s=n * WALK_S)


def _repeated(frame: pd.DataFrame, n: int) -> pd.DataFrame:
    whole = pd.concat([frame] * n, ignore_index=True)
    for column in set(TIMES) & set(whole.columns):
        whole[column] += np.repeat(np.arange(n) * WALK_S, len(frame))
    return whole


def timed(work: Any, *args: Any) -> tuple[float, Any]:
    start = time.process_time()
    result = work(*args)
    return time.process_time() - start, result


def main(hours: float) -> None:
    result = long_result(hours)
    page.report_html(result)  # fonts, templates and imports are there
    drawn = list(pictures(page._values(result, None, (), None)))
    draws = [one.draw for one in drawn] + [partial(one.draw, narrow=True) for one in drawn if one.narrow]
    figures = [draw() for draw in draws]
    works = (
        lambda: page.report_html(result),
        lambda: [svg_text(draw(), "x") for draw in draws],
        lambda: [svg_text(figure, "x") for figure in figures],
    )
    whole, made, floor = np.min([[timed(work)[0] for work in works] for _ in range(3)], axis=0)
    size = len(page.report_html(result).encode())
    print(f"page of {hours:g} h, 2 sensors, {len(result.strides):,} strides: {size / 1e6:.2f} MB (aim: at most 1)")
    print(f"made in {whole:.2f} s; matplotlib saves its {len(figures)} figures in {floor:.2f} s")
    print(f"builds and saves them in {made:.2f} s")
    print(f"ratio to saving {whole / floor:.2f}, to building and saving {whole / made:.2f} (aim: at most 1.5)")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 3.0)
