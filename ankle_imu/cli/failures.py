"""What went wrong -> one line on stderr and an exit code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ankle_imu import errors
from ankle_imu.cli.output import say_error
from ankle_imu.errors import AnkleImuError

if TYPE_CHECKING:
    from cyclopts import CycloptsError

_is_debugging: ContextVar[bool] = ContextVar("is_debugging", default=False)


class UsageError(AnkleImuError):
    """The command line asks for something that cannot be."""

    exit_code = 2


@contextmanager
def debugging(wanted: bool) -> Iterator[None]:
    """Show tracebacks of failures told within the block, if `wanted`."""
    token = _is_debugging.set(wanted)
    try:
        yield
    finally:
        _is_debugging.reset(token)


@contextmanager
def user_input() -> Iterator[None]:
    """Turn a `ValueError` into a `UsageError`; only around checks of what the user typed."""
    try:
        yield
    except ValueError as error:
        raise UsageError(str(error)) from error


def explain(error: BaseException) -> tuple[str, int]:
    """Sentence and exit code of an exception.

    Examples
    --------
    >>> explain(UsageError("No plan of that name."))
    ('No plan of that name.', 2)
    """
    from cyclopts import CycloptsError, UnusedCliTokensError

    if isinstance(error, KeyboardInterrupt):
        return "Interrupted; what was finished before is saved.", 130
    if isinstance(error, UnusedCliTokensError):
        left_over = " ".join(repr(word) for word in error.unused_tokens or ())
        return (
            f"Found {left_over} left over. What has no option before it comes first and in one piece, then the "
            f"options. `{_asked(error)} --help` tells more.",
            2,
        )
    if isinstance(error, CycloptsError):
        return f"{error} `{_asked(error)} --help` tells more.", 2
    return errors.explain(error)


def tell(error: BaseException, about: str = "") -> int:
    """Print an exception as one line and return its exit code; `about` names what it concerns."""
    import traceback

    sentence, code = explain(error)
    return tell_reason(sentence, code, "".join(traceback.format_exception(error)), about)


def tell_reason(sentence: str, code: int, trace: str, about: str = "") -> int:
    """Print why something failed as one line, after its traceback where that is wanted; returns the exit code."""
    if _is_debugging.get():
        say_error(trace.rstrip())
    say_error("error: " + (f"{about}: " if about else "") + " ".join(sentence.split()))
    return code


def _asked(error: CycloptsError) -> str:
    return " ".join(["ankle-imu", *(error.command_chain or ())])
