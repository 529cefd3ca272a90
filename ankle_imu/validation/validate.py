"""Run every comparison that the data at hand allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ankle_imu.errors import RecordingError
from ankle_imu.validation.ablation import DATASET as ABLATION
from ankle_imu.validation.ablation import score_ablation
from ankle_imu.validation.datasets import SOURCES, read_cases
from ankle_imu.validation.foot_yaw import DATASET as FOOT_YAW
from ankle_imu.validation.foot_yaw import score_foot_yaw
from ankle_imu.validation.misworn import DATASET as MISWORN
from ankle_imu.validation.misworn import score_misworn
from ankle_imu.validation.position import over_trials
from ankle_imu.validation.practice import score_practice
from ankle_imu.validation.practice_people import DATASET as PRACTICE
from ankle_imu.validation.recordings import score_case
from ankle_imu.validation.rolls import DATASET as ROLLS
from ankle_imu.validation.rolls import score_rolls
from ankle_imu.validation.score import Row
from ankle_imu.validation.seasons import DATASET as SEASONS
from ankle_imu.validation.seasons import score_seasons
from ankle_imu.validation.simulation import DATASET as SIMULATION
from ankle_imu.validation.simulation import FULL, QUICK, Extent, score_simulation

SIMULATED: Final[Mapping[str, Callable[[Extent, Path | None], Iterator[Row]]]] = MappingProxyType(
    {
        SIMULATION: lambda extent, data: score_simulation(extent),
        ABLATION: lambda extent, data: score_ablation(extent),
        MISWORN: lambda extent, data: score_misworn(extent, data),
        ROLLS: lambda extent, data: score_rolls(extent),
        PRACTICE: lambda extent, data: score_practice(extent),
        SEASONS: lambda extent, data: score_seasons(extent),
    }
)
"""What is measured on simulated walks, by the name that `run` and `validate --only` know it by."""

KNOWN: Final = (*SOURCES, FOOT_YAW, *SIMULATED)
"""All names that `run` knows."""

NOT_COVERED = (
    "No public recording has foot and shank sensors with an optical reference on uneven ground or in running: "
    "figures for these come from simulation alone."
)


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Result: `rows` of figures, and `absent` data sets with the place where each can be obtained."""

    figures: tuple[Row, ...]
    absent: tuple[tuple[str, str], ...]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The figures as plain dictionaries."""
        return [row.as_dict() for row in self.figures]

    @property
    def is_met(self) -> bool:
        """Whether no target was missed."""
        return all(row.verdict != "missed" for row in self.figures)


def run(
    data: Path | None = None,
    only: Sequence[str] = (),
    progress: Callable[[str, float], None] | None = None,
    *,
    full: bool = False,
) -> Validation:
    """Compare the analysis with every recording found and with simulated walks.

    Parameters
    ----------
    data : folder with one sub-folder per data set; None for simulated walks alone
    only : names to run, of `KNOWN`; empty for all
    progress : called with (name, share done)
    full : simulate the long suite that the targets are set for, not the quick one

    Returns
    -------
    Validation

    Raises
    ------
    ValueError
        If a name in `only` is unknown.
    RecordingError
        If `data` is no folder, or a wanted data set is not in it.
    """
    unknown = [name for name in only if name not in KNOWN]
    if unknown:
        raise ValueError(f"Unknown data set {', '.join(unknown)}; known are {', '.join(KNOWN)}.")
    if data is not None and not data.is_dir():
        raise RecordingError(f"{data} is no folder; expected one with a sub-folder per data set.", path=str(data))
    present = [name for name in SOURCES if data is not None and (data / name).is_dir()]
    absent = tuple((name, SOURCES[name]) for name in SOURCES if name not in present)
    wanted = (
        [name for name in KNOWN if name in only]
        if only
        else [*present, *([FOOT_YAW] if present else []), *SIMULATED]
    )
    missing = [name for name in wanted if name in SOURCES and name not in present]
    if FOOT_YAW in wanted and not present:
        raise RecordingError(f"{FOOT_YAW} needs recordings of at least three persons: name their folder.")
    if missing:
        where = "; ".join(f"{name}: {SOURCES[name]}" for name in missing)
        raise RecordingError(f"Not found in {data or 'any data folder'}: {where}.")
    tell = progress or (lambda name, share: None)
    figures: list[Row] = []
    for k, name in enumerate(wanted):
        tell(name, k / len(wanted))
        if name in SIMULATED:
            figures += SIMULATED[name](FULL if full else QUICK, data)
        elif data is not None and name == FOOT_YAW:
            figures += score_foot_yaw(data)
        elif data is not None:
            rows = [row for case in read_cases(name, data) for row in score_case(name, case)]
            figures += [*rows, *over_trials(rows)]
    tell("done", 1.0)
    return Validation(figures=tuple(figures), absent=absent)
