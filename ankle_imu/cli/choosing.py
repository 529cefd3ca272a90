"""Which sensors a walk is recorded from: those named, those saved, or those in reach that a person places."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ankle_imu.cli import bluetooth, failures
from ankle_imu.cli.output import say
from ankle_imu.cli.sensing import adapter_of, known_sensor

if TYPE_CHECKING:
    from ankle_imu.capture import Wanted
    from ankle_imu.devices.adapter import Adapter, Radio
    from ankle_imu.library import KnownSensor

_FIND_S: Final = 15.0
_LOOK_S: Final = 5.0


def worn_sensors(root: Path) -> dict[Wanted, Adapter]:
    """The saved sensors that are worn, else those in reach that the person places."""
    return saved_sensors(root) or {_wanted(sensor): adapter_of(sensor) for sensor in _ask_for_sensors(root)}


def saved_sensors(root: Path) -> dict[Wanted, Adapter]:
    """The saved sensors that are worn, with a new adapter each; nobody is asked."""
    from ankle_imu.library import load_sensors

    return {_wanted(sensor): adapter_of(sensor) for sensor in load_sensors(root) if sensor.placement}


def _wanted(sensor: KnownSensor, placement: str = "") -> Wanted:
    from ankle_imu.capture import Wanted

    return Wanted(
        identifier=sensor.identifier,
        placement=placement or sensor.placement,
        model=sensor.model,
        mount_site=sensor.mount_site if placement in ("", sensor.placement) else "",
        serial=sensor.serial,
    )


async def named_sensor(radio: Radio, root: Path, ref: str, placement: str) -> tuple[Wanted, Adapter]:
    """A saved sensor, or else one that is in reach now."""
    from ankle_imu.capture import Wanted
    from ankle_imu.capture.introduce import find
    from ankle_imu.devices import catalog
    from ankle_imu.errors import DeviceNotFound
    from ankle_imu.library import find_sensor

    with contextlib.suppress(DeviceNotFound):
        saved = find_sensor(root, ref)
        return _wanted(saved, placement), adapter_of(saved)
    candidate = await find(radio, ref, seconds=_FIND_S)
    model = candidate.models[0]
    return Wanted(identifier=candidate.seen.identifier, placement=placement, model=model), catalog.adapter(model)


def _ask_for_sensors(root: Path) -> list[KnownSensor]:
    """Show what is in reach, ask where each is worn, and save the answers.

    No event loop runs while it waits for the person: Ctrl-C must end that at once.
    """
    from ankle_imu.capture.introduce import introduce, look_around
    from ankle_imu.errors import DeviceNotFound
    from ankle_imu.library import save_sensor

    if not sys.stdin.isatty():
        raise failures.UsageError(
            "No sensor that is worn is saved and none is named; give --sensor ID=PLACEMENT, or save one with "
            "`ankle-imu sensors add`."
        )
    say("No sensor that is worn is saved yet. Looking for those in reach ...")
    candidates = [c for c in bluetooth.run(look_around(bluetooth.radio(), _LOOK_S)) if c.models]
    if not candidates:
        raise DeviceNotFound("No sensor of a known kind is in reach. Wake it (move it) and come nearer.")
    chosen = []
    for candidate in candidates:
        placement = _ask_placement(f"{candidate.seen.name or candidate.seen.identifier} ({candidate.models[0]})")
        if placement:
            chosen.append(
                known_sensor(candidate, bluetooth.run(introduce(bluetooth.radio(), candidate)), placement)
            )
            save_sensor(root, chosen[-1])
    if not chosen:
        raise failures.UsageError("No sensor was given a place; nothing to record.")
    return chosen


def _ask_placement(name: str) -> str:
    from ankle_imu.frames import PLACEMENTS

    options = ", ".join(f"{n} {placement}" for n, placement in enumerate(PLACEMENTS, 1))
    while True:
        say(f"Where is {name} worn? {options}; Enter to leave it out.")
        try:
            answer = input("> ").strip()
        except EOFError as error:
            raise failures.UsageError(
                "No answer came; give --sensor ID=PLACEMENT, or save a sensor with `ankle-imu sensors add`."
            ) from error
        if not answer or answer in PLACEMENTS:
            return answer
        if answer.isdigit() and 1 <= int(answer) <= len(PLACEMENTS):
            return PLACEMENTS[int(answer) - 1]
