"""Make the picture of the README: figures of the report of a simulated walk, one above the other.

Run `python notebooks/pictures/make.py` from a checkout with the package installed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

import ankle_imu as ai
from ankle_imu.report import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
PLAN = ai.simulate.Plan(
    duration_s=600.0,
    placements=("left_foot", "left_shank", "right_foot", "right_shank"),
    terrain="uneven",
    rolls=2,
    errors="typical",
    affected_leg="right",
    affected_spread=1.8,
)
SEED = 1
DPI = 120


def pixels(figure: Figure) -> np.ndarray:
    """Drawn figure as (height, width, 3) bytes."""
    sink = io.BytesIO()
    figure.savefig(sink, format="png", dpi=DPI)
    return np.asarray(Image.open(sink).convert("RGB"))


def main() -> None:
    """Simulate, analyze, draw, write `walk.png`."""
    recording, _ = ai.simulate.walk(PLAN, seed=SEED)
    result = ai.analyze(recording)
    drawn = [pixels(make(result)) for make in (figures.curves_figure, figures.timeline_figure)]
    picture = Image.fromarray(np.vstack(drawn)).quantize(64, dither=Image.Dither.NONE)
    picture.save(HERE / "walk.png", optimize=True)
    print(HERE / "walk.png")


if __name__ == "__main__":
    main()
