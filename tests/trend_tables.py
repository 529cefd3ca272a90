"""Small tables of `tables.TREND`, a session every other day."""

from __future__ import annotations

import numpy as np

from ankle_imu import tables

METRIC = "range_stance_deg"


def table(medians, leg="left", gait="walk", source="joint", site="instep", metric=METRIC, half=0.5, alias="P-A"):
    n = len(medians)
    m = np.asarray(medians, dtype=float)
    return tables.make_table(tables.TREND, {
        "session_id": [f"{gait}{source}{site}{i}" for i in range(n)],
        "start_utc": [f"2026-03-{1 + 2 * i:02d}T08:00:00Z" for i in range(n)], "alias": [alias] * n,
        "leg": [leg] * n, "gait": [gait] * n, "angle_source": [source] * n, "mount_site": [site] * n,
        "n_accepted": [400] * n, f"{metric}_median": m,
        f"{metric}_ci_low": m - half, f"{metric}_ci_high": m + half,
    })  # fmt: skip


def join(*parts):
    import pandas as pd

    return pd.concat(parts, ignore_index=True)
