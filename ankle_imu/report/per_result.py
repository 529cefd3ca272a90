"""What figure, table, caption and alt text of one result share is found once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from ankle_imu.values import SessionResult

P = ParamSpec("P")
T = TypeVar("T")


def per_result(
    function: Callable[Concatenate[SessionResult, P], T],
) -> Callable[Concatenate[SessionResult, P], T]:
    """Keep what a function of a result gave, for as long as the result lives; results do not change."""
    kept: WeakKeyDictionary[SessionResult, dict[object, T]] = WeakKeyDictionary()

    @wraps(function)
    def found(result: SessionResult, /, *args: P.args, **kwargs: P.kwargs) -> T:
        own = kept.setdefault(result, {})
        key = (args, tuple(sorted(kwargs.items())))
        if key not in own:
            own[key] = function(result, *args, **kwargs)
        return own[key]

    return found
