"""Made-up sessions of one person on changing ground."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from ankle_imu.trends import PastSession
from ankle_imu.validation.seasons import as_past
from ankle_imu.validation.stride_tables import Outing, Person, make_season, make_session

Sessions = tuple[PastSession, ...]


@cache
def _season(seed: int, sessions: int, change: float, n_strides: int) -> Sessions:
    made = make_season(seed, sessions=sessions, change=change, n_strides=n_strides)
    return tuple(as_past(one) for one in made)


@pytest.fixture(scope="session")
def season() -> Callable[..., Sessions]:
    """Sessions of one person; two pairs of shoes in turn, ground and pace at random."""

    def make(seed: int = 1, sessions: int = 12, change: float = 1.0, n_strides: int = 900) -> Sessions:
        return _season(seed, sessions, change, n_strides)

    return make


@pytest.fixture(scope="session")
def outings() -> Callable[..., Sessions]:
    """Sessions three days apart of one person in one pair of shoes, each with its own true effect and ground."""

    def make(effects: Any, n_strides: int = 900, mix: Any = (0.4, 0.4, 0.2), **facts: Any) -> Sessions:
        plans = [Outing(n_strides=n_strides, mix=mix, effect_log=e, day=3 * i) for i, e in enumerate(effects)]
        return tuple(
            replace(as_past(make_session(Person(), plan, seed=i)), **facts) for i, plan in enumerate(plans)
        )

    return make
