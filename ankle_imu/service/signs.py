"""How the recorder shows itself to somebody without a screen: a file, a light, a command."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ankle_imu.durable import write_whole
from ankle_imu.errors import StorageError
from ankle_imu.service.states import State

BLINK_S: Final = 0.1
COMMAND_S: Final = 10.0
"""A command that takes longer is ended (own choice: a buzzer or a message takes less)."""

_BLINKS: Final[Mapping[str, tuple[float, float]]] = {
    State.IDLE: (4.0, 0.2),
    State.ARMED: (2.0, 1.0),
    State.RECORDING: (1.0, 0.5),
    State.SAVED: (0.4, 0.2),
}
"""State -> period, and how much of it the light is on, s."""
_ATTENTION: Final = (0.2, 0.1)


def is_lit(state: str, needs_attention: bool, at_s: float) -> bool:
    """Whether the light is on.

    Examples
    --------
    >>> [is_lit("recording", False, t) for t in (0.0, 0.4, 0.6, 1.1)]
    [True, True, False, True]
    """
    period, on = _ATTENTION if needs_attention else _BLINKS[state]
    return at_s % period < on


class Signs:
    """Shows the state; whatever goes wrong with it, the recording goes on.

    Parameters
    ----------
    status_file : Path or None, takes the whole state as JSON
    led : Path or None, a file that takes 1 and 0, such as `/sys/class/leds/ACT/brightness`
    command : str, is run at every change of state, with the state as its last word
    """

    def __init__(self, *, status_file: Path | None = None, led: Path | None = None, command: str = "") -> None:
        self._status_file, self._led = status_file, led
        self._command = shlex.split(command)
        self._state, self._needs_attention = "", False
        self._blinking: asyncio.Task[None] | None = None
        self._errands: set[asyncio.Task[None]] = set()

    def show(self, told: Mapping[str, Any]) -> None:
        """Show the state `told["state"]`; fast light while `told["attention"]` is not empty."""
        state, self._needs_attention = str(told["state"]), bool(told["attention"])
        has_changed, self._state = state != self._state, state
        if self._status_file is not None:
            with suppress(StorageError):
                write_whole(self._status_file, (json.dumps(told, indent=2) + "\n").encode(), mode=0o644)
        if self._led is not None and self._blinking is None:
            self._blinking = asyncio.ensure_future(self._blink(self._led))
        if has_changed and self._command:
            errand = asyncio.ensure_future(asyncio.to_thread(_run, [*self._command, state]))
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)

    async def close(self) -> None:
        """Put the light out, and wait for the last command."""
        if self._blinking is not None and self._led is not None:
            self._blinking.cancel()
            _light(self._led, False)
        await asyncio.gather(*self._errands, return_exceptions=True)

    async def _blink(self, led: Path) -> None:
        loop, was = asyncio.get_running_loop(), None
        while True:
            is_on = is_lit(self._state, self._needs_attention, loop.time())
            if is_on != was:
                _light(led, is_on)
            was = is_on
            await asyncio.sleep(BLINK_S)


def _light(led: Path, is_on: bool) -> None:
    with suppress(OSError):
        descriptor = os.open(led, os.O_WRONLY)
        try:
            os.write(descriptor, b"1" if is_on else b"0")
        finally:
            os.close(descriptor)


def _run(command: list[str]) -> None:
    with suppress(OSError, subprocess.SubprocessError):
        quiet = subprocess.DEVNULL
        subprocess.run(command, stdin=quiet, stdout=quiet, stderr=quiet, timeout=COMMAND_S, check=False)
