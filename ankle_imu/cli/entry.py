"""Entry of the program: words in, exit code out."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

from ankle_imu.cli import failures, plain


def run(tokens: Sequence[str]) -> int:
    """Run one command line.

    Parameters
    ----------
    tokens : words after the program's name

    Returns
    -------
    int
        The exit code.
    """
    words = [word for word in tokens if word != "--debug"]
    with failures.debugging(len(words) < len(tokens) or bool(os.environ.get("ANKLE_IMU_DEBUG"))):
        try:
            code = _answer(words)
            sys.stdout.flush()
        except BrokenPipeError:
            _close_stdout()
            return 0
        except SystemExit as leaving:
            if isinstance(leaving.__context__, BrokenPipeError):  # rich has its own way with closed pipes
                return 0
            return leaving.code if isinstance(leaving.code, int) else 0
        except BaseException as error:
            return failures.tell(error)
    return code if isinstance(code, int) else 0


def _answer(words: Sequence[str]) -> object:
    """Do what the words ask; the command line library is imported only where it is needed."""
    wish = plain.read_list(words)
    if wish is not None:
        from ankle_imu.cli.list_view import show_list

        show_list(**wish)
        return 0
    from ankle_imu.cli.app import build

    return build(words[0] if words else "")(words, exit_on_error=False, print_error=False)


def main() -> NoReturn:
    """Entry of the `ankle-imu` script."""
    if not sys.warnoptions and not os.environ.get("ANKLE_IMU_DEBUG"):
        warnings.simplefilter("ignore")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(run(sys.argv[1:]))


def _close_stdout() -> None:
    """Whoever read our output has had enough; keep the interpreter from complaining at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
