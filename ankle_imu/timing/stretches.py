"""Where a sensor started anew: its count and clock begin again, for good."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ankle_imu.timing.clock import Array, Indices

MAX_STEP_S: Final = 1.0
"""A jump of the sensor's clock against its own sample count by more than this is a restart (own choice: longer
than any jitter of a stamp, shorter than any boot)."""

MAX_BACKLOG_S: Final = 60.0
"""Longest time that a sensor is believed to hold back samples and send them in order, when none on time come after
(own choice; the packet format asks for a buffer of 10 s)."""

MIN_STRETCH: Final = 256
"""So many samples (1 to 2 s) in a row, all equally late and coming no faster than they were taken, are a sensor
that started anew; what was held back comes in a rush (own choice)."""

MIN_PACKETS: Final = 3
"""Fewer packets than this beside a longer stretch are damaged headers, not a restart (own choice)."""

MOST_HOLES: Final = 20
MOST_S: Final = 4 * 3600.0
"""A stretch with more than so many lost samples for each that came, and so many seconds of them, is none (own
choice)."""

LATEST_S: Final = 1e10
"""A clock beyond 300 years is damaged; seconds since 1970 or 2000 are in use, and exact to microseconds."""

_RUSH: Final = 1.5
"""Samples that come this much faster than they were taken were held back (own choice)."""

_COMING: Final = 4096
"""Samples after late ones in which a running sensor is on time again, or its live ones are between them."""


@dataclass
class _Stretch:
    """Runs of samples between two restarts of the sensor, as far as they are known.

    `seen`: content by rank, NaN where nothing came; `latest`: s, device time of the latest; `is_paced`: some came
    as fast as they were taken.
    """

    base: float
    delay: float
    seen: Array
    latest: float = -np.inf
    is_paced: bool = False
    most: int = -1
    least: int = -1
    runs: list[Indices] = field(default_factory=list)

    def is_live(self, base: float, delay: float) -> bool:
        """Whether a run with this base and least delay is of this stretch, and on time."""
        return abs(base - self.base) <= MAX_STEP_S and abs(delay - self.delay) <= MAX_STEP_S

    def has(self, ranks: Indices) -> NDArray[np.bool_]:
        """(n,) whether samples of these counts came."""
        return np.asarray(~np.isnan(self.seen[ranks]))

    def take(self, run: Indices, samples: _Samples) -> None:
        """Add `run`; the usual delay follows long runs, as clocks drift, and not single late packets."""
        ranks = samples.rank[run]
        self.seen[ranks] = samples.content[run]
        self.most = max(self.most, int(ranks.max()))
        self.least = int(ranks.min()) if self.least < 0 else min(self.least, int(ranks.min()))
        self.runs.append(run)
        self.latest = max(self.latest, float(samples.device[run].max()))
        self.is_paced |= len(run) >= MIN_STRETCH and not samples.is_rush(run)
        self.base = float(samples.base[run[-1]])
        level = float(samples.delay[run].min())
        is_steady = len(run) >= MIN_STRETCH and abs(level - self.delay) <= MAX_STEP_S
        self.delay = level if is_steady else min(self.delay, level)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Samples:
    """All samples of a sensor, in order of arrival.

    `base`: (n,) s, device time at which the count would have been zero; `delay`: (n,) s, host minus device time.
    Both stay until the sensor restarts, but for packets that come late. `rank`: (n,) place of the count among all.
    `content`: (n,) by which a repeated sample is known.
    """

    base: Array
    delay: Array
    device: Array
    host: Array
    rank: Indices
    content: Array

    def is_rush(self, run: Indices) -> bool:
        """Whether the samples of `run` came clearly faster than they were taken."""
        passed = float(self.host[run[-1]] - self.host[run[0]])
        return float(self.device[run].max() - self.device[run].min()) > _RUSH * passed


def find_stretches(
    device: Array, host: Array, count: Indices, spacing: float, content: Array
) -> tuple[list[Indices], int]:
    """Rows of each stretch between restarts, and the number of samples that fit none.

    Parameters
    ----------
    device, host : (n,) float array, s, clock of sensor and host at each sample, in order of arrival
    count : (n,) int array, sensor's own count
    spacing : float, device s per sample
    content : (n,) float array without NaN, equal only where the same sample came again

    Returns
    -------
    stretches, misplaced
        In order of arrival.

    Raises
    ------
    ValueError
        If count and clock contradict each other throughout.

    Notes
    -----
    A restarted sensor is late by a constant that never goes away. Late packets of a running one fill holes, repeat
    what came, or come in a rush. A stretch of fewer than `MIN_PACKETS` packets is passed over as damaged.
    """
    rate = _rough_rate(device, host)
    samples = _Samples(
        base=device - count * spacing,
        delay=host - device * rate,
        device=device,
        host=host,
        rank=np.unique(count, return_inverse=True)[1].astype(np.int64),
        content=content,
    )
    stretches = _assign(samples)
    joined = [np.sort(np.concatenate(stretch.runs)) for stretch in stretches if stretch.runs]
    longest = max(len(rows) for rows in joined)
    kept = [
        rows
        for rows in joined
        if 0 < np.ptp(count[rows]) <= MOST_HOLES * len(rows) + MOST_S / spacing
        and float(np.abs(device[rows]).max()) < LATEST_S
        and (len(rows) == longest or len(np.unique(host[rows])) >= MIN_PACKETS)
    ]
    if not kept:
        raise ValueError("The sensor's sample count contradicts its clock throughout.")
    return kept, len(device) - sum(len(rows) for rows in kept)


def _rough_rate(device: Array, host: Array) -> float:
    """Host seconds per device second, so that a clock that is off does not seem to restart.

    Steps over a twentieth of the packets are blind to a few restarts; those over a quarter tell more exactly.
    1 when there is too little to tell, or what comes out is absurd.
    """
    ends = np.flatnonzero(np.append(host[1:] != host[:-1], True))
    rate = 1.0
    for share, most_off in ((20, 0.1), (4, 0.003)):
        lag = max(1, len(ends) // share)
        ran, passed = (x[ends[lag:]] - x[ends[:-lag]] for x in (device, host))
        usable = (ran > 0) & (passed > 0)
        if len(device) < MIN_STRETCH or not usable.any() or float(np.median(passed[usable])) < 10.0:
            return rate
        found = float(np.median(passed[usable] / ran[usable]))
        if abs(found - rate) > most_off:
            return rate
        rate = found
    return rate


def _assign(samples: _Samples) -> list[_Stretch]:
    jumps = (np.abs(np.diff(samples.base)) > MAX_STEP_S) | (np.abs(np.diff(samples.delay)) > MAX_STEP_S)
    stretches: list[_Stretch] = []
    repeats: list[Indices] = []
    n_counts = int(samples.rank.max()) + 1
    for run in np.split(np.arange(len(samples.base)), np.flatnonzero(jumps) + 1):
        base, delay = float(samples.base[run[0]]), float(samples.delay[run].min())
        home = next((s for s in reversed(stretches) if s.is_live(base, delay)), None)
        home = home or next((s for s in reversed(stretches) if _is_late_part(run, s, samples)), None)
        if home is None:
            if any(_is_repeat(run, s, samples) for s in stretches):
                repeats.append(run)
                continue
            home = _Stretch(base=float(samples.base[run[-1]]), delay=delay, seen=np.full(n_counts, np.nan))
            stretches.append(home)
        home.take(run, samples)
    for run in repeats:
        base, delay = float(samples.base[run[0]]), float(samples.delay[run].min())
        live = [s for s in stretches if s.is_live(base, delay)]
        of = live[0] if live else next(s for s in stretches if _is_repeat(run, s, samples))
        of.runs.append(run)
    return stretches


def _is_late_part(run: Indices, stretch: _Stretch, samples: _Samples) -> bool:
    """Whether `run`, not on time, still belongs to a running sensor: held back, or asked for again."""
    if abs(samples.base[run[0]] - stretch.base) > MAX_STEP_S:
        return False
    lateness = float(samples.delay[run].min()) - stretch.delay
    is_ahead = bool(samples.rank[run[0]] > stretch.most)
    if lateness < 0:
        since = float(samples.device[run[0]] - stretch.latest)
        return is_ahead and not stretch.is_paced and since <= MAX_BACKLOG_S
    is_rush = samples.is_rush(run)
    if len(run) >= MIN_STRETCH and not is_rush:
        return False
    if is_ahead:
        coming = samples.delay[run[-1] + 1 : run[-1] + 1 + _COMING]
        is_live_again = bool(len(coming) and coming.min() <= stretch.delay + MAX_STEP_S)
        return is_live_again or lateness < MAX_BACKLOG_S
    ranks = samples.rank[run]
    has = stretch.has(ranks)
    if (stretch.seen[ranks][has] != samples.content[run][has]).any():
        return False
    is_hole = (ranks >= stretch.least) & ~has
    return bool(is_hole.mean() > 0.5 or (is_rush and len(run) >= MIN_STRETCH and (ranks >= stretch.least).all()))


def _is_repeat(run: Indices, stretch: _Stretch, samples: _Samples) -> bool:
    """Whether a short late run holds only samples that came before."""
    is_known = abs(samples.base[run[0]] - stretch.base) <= MAX_STEP_S and len(run) < MIN_STRETCH
    return bool(is_known and (stretch.seen[samples.rank[run]] == samples.content[run]).mean() >= 0.5)
