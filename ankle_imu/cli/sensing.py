"""`scan` and `sensors`: what is on the air, and which sensors are ours."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Group, Parameter

from ankle_imu.cli import bluetooth, failures
from ankle_imu.cli.arguments import AsJson, Library, Placement, library_root
from ankle_imu.cli.output import say, show, show_json, show_table

if TYPE_CHECKING:
    from ankle_imu.capture.introduce import Candidate
    from ankle_imu.devices.adapter import Adapter
    from ankle_imu.library import KnownSensor

Sensor = Annotated[str, Parameter(help="A saved sensor: its placement, serial, name or address.")]


def scan(
    *,
    seconds: Annotated[float, Parameter(help="How long to listen.")] = 5.0,
    everything: Annotated[bool, Parameter(name="--all", negative="", help="Show other devices too.")] = False,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Show the sensors in reach.

    Exit code 4 when there is none of a known kind, 3 when Bluetooth is not available.
    """
    from ankle_imu.capture.introduce import look_around
    from ankle_imu.library import load_sensors

    check_seconds(seconds)
    saved = {s.identifier: s for s in load_sensors(library_root(library))}
    found = bluetooth.run(look_around(bluetooth.radio(), seconds))
    shown = [c for c in found if c.models or everything]
    if as_json:
        show_json({"sensors": [_told(c, saved) for c in shown], "n_others": len(found) - len(shown)})
    elif shown:
        show_table(
            ("Name", "Address", "Kind", "Signal", "Saved as"),
            [_row(c, saved) for c in shown],
            right=("Signal",),
        )
    known = sum(bool(c.models) for c in found)
    if not known:
        others = f"; {len(found)} other devices (--all shows them)" if found and not everything else ""
        say(f"No sensor of a known kind in {seconds:g} s{others}. Wake it (move it) and come nearer.")
    return 0 if known else 4


def list_sensors(*, library: Library = None, as_json: AsJson = False) -> None:
    """Show the saved sensors and where each is worn."""
    from ankle_imu.library import load_sensors

    saved = load_sensors(library_root(library))
    if as_json:
        show_json({"sensors": [asdict(s) for s in saved]})
    elif saved:
        show_table(
            ("Worn at", "Site", "Serial", "Kind", "Address", "Seen"),
            [
                (s.placement or "–", s.mount_site or "–", s.serial, s.model, s.identifier, s.last_seen_utc[:10])
                for s in saved
            ],
        )
    else:
        say("No sensor is saved yet; `ankle-imu scan` shows what is here, `ankle-imu sensors add` saves one.")


def add(
    ref: Annotated[str, Parameter(name="SENSOR", help="Its address or name, as `ankle-imu scan` shows it.")],
    /,
    *,
    placement: Annotated[Placement, Parameter(name="--as", help="Where it is worn.")],
    mount_site: Annotated[
        str, Parameter(help="Place on the segment: instep, lateral, heel; above_ankle, mid_shank.")
    ] = "",
    model: Annotated[str, Parameter(help="Kind of sensor, where it cannot be recognised.")] = "",
    seconds: Annotated[float, Parameter(help="How long to look for it.")] = 10.0,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Save a sensor and where it is worn, so that `record` knows it.

    It is connected to once, to read its serial number and battery.
    """
    from ankle_imu.capture.introduce import find, introduce
    from ankle_imu.library import load_sensors, save_sensor
    from ankle_imu.values import SensorInfo

    root = library_root(library)
    check_seconds(seconds)
    with failures.user_input():
        SensorInfo(placement=placement, mount_site=mount_site)
        model = _checked_model(model) if model else ""
    saved = load_sensors(root)  # a spoilt file is met before anything is asked of the radio

    async def meet() -> KnownSensor:
        radio = bluetooth.radio()
        candidate = await find(radio, ref, seconds=seconds, model=model)
        here = [s for s in saved if (s.identifier, s.placement) == (candidate.seen.identifier, placement)]
        site = mount_site or (here[0].mount_site if here else "")
        return known_sensor(candidate, await introduce(radio, candidate), placement, site)

    sensor = bluetooth.run(meet())
    path = save_sensor(root, sensor)
    if as_json:
        show_json({**asdict(sensor), "files": [path]})
        return
    say(f"{sensor.name or sensor.identifier} ({sensor.model}, serial {sensor.serial}) is worn at {placement} now.")
    show(path)


def identify(sensor: Sensor, /, *, library: Library = None, as_json: AsJson = False) -> None:
    """Make a saved sensor show itself: it blinks or buzzes, if it can."""
    from ankle_imu.capture.introduce import visit
    from ankle_imu.devices.adapter import Blinking
    from ankle_imu.errors import ProtocolError
    from ankle_imu.library import find_sensor

    known = find_sensor(library_root(library), sensor)
    adapter = adapter_of(known)
    if not isinstance(adapter, Blinking):
        raise ProtocolError(f"Sensors of kind {known.model} cannot blink; move it and watch `ankle-imu scan`.")

    async def blink() -> None:
        async with visit(bluetooth.radio(), known.identifier) as link:
            await adapter.blink(link)

    bluetooth.run(blink())
    if as_json:
        show_json({"placement": known.placement, "serial": known.serial, "identifier": known.identifier})
    else:
        say(f"{known.placement or 'A sensor that is not worn'} ({known.serial}) shows itself now.")


def firmware(sensor: Sensor, /, *, library: Library = None, as_json: AsJson = False) -> None:
    """Show what a saved sensor says of itself, serial, model, firmware, battery, and where its notes are."""
    from ankle_imu.capture.introduce import visit
    from ankle_imu.devices import catalog
    from ankle_imu.devices.adapter import Identity
    from ankle_imu.library import find_sensor
    from ankle_imu.report import words

    known = find_sensor(library_root(library), sensor)
    adapter = adapter_of(known)

    async def ask() -> Identity:
        async with visit(bluetooth.radio(), known.identifier) as link:
            return await adapter.identify(link)

    told = bluetooth.run(ask())
    if as_json:
        show_json({"placement": known.placement, **asdict(told), "notes": catalog.notes(known.model)})
        return
    rows = [("Worn at", known.placement), ("Serial", told.serial), ("Model", told.model)]
    rows += [("Firmware", told.firmware), ("Battery", words.percent(told.battery, 1.0))]
    rows += [("Notes", catalog.notes(known.model))]
    show_table(("", ""), [(name, value or "–") for name, value in rows])


def known_sensor(candidate: Candidate, identity: Any, placement: str, mount_site: str = "") -> KnownSensor:
    """What is to be remembered of a sensor that was met."""
    from ankle_imu.library import KnownSensor

    return KnownSensor(
        serial=identity.serial or candidate.seen.identifier,
        identifier=candidate.seen.identifier,
        model=candidate.models[0],
        placement=placement,
        mount_site=mount_site,
        name=candidate.seen.name,
        firmware=identity.firmware,
    )


def adapter_of(known: KnownSensor) -> Adapter:
    """Adapter of a saved sensor; a `RecordingError` names the remedy when its declaration is gone or spoilt."""
    from ankle_imu.devices import catalog
    from ankle_imu.errors import RecordingError

    try:
        return catalog.adapter(known.model)
    except (OSError, ValueError) as error:
        again = f"ankle-imu sensors add {known.identifier} --as {known.placement or 'PLACEMENT'} --model MODEL"
        raise RecordingError(
            f"Sensor {known.serial} is saved as {known.model}, which cannot be used: {_reason(error)} "
            f"Save it anew: `{again}`."
        ) from error


def check_seconds(seconds: float) -> None:
    """Refuse a time that is no time."""
    if not 0 < seconds < math.inf:
        raise failures.UsageError(f"--seconds must be above 0, found {seconds:g}.")


def build(group: Group, options: Group) -> App:
    """Give the `sensors` command with its own commands."""
    app = App(name="sensors", help="The sensors you own.", group=group, group_parameters=options)
    app.command(list_sensors, name="list", help_epilogue="Example:  ankle-imu sensors list")
    app.command(
        add,
        help_epilogue="Example:  ankle-imu sensors add AnkleIMU-0A1B --as left_foot --mount-site instep",
    )
    app.command(identify, help_epilogue="Example:  ankle-imu sensors identify left_foot")
    app.command(firmware, help_epilogue="Example:  ankle-imu sensors firmware left_foot")
    return app


def _checked_model(model: str) -> str:
    """A model that can be used, with the whole path of its declaration."""
    from ankle_imu.devices import catalog

    if model.startswith(catalog.DECLARED_PREFIX):
        path = Path(model.removeprefix(catalog.DECLARED_PREFIX)).expanduser()
        model = f"{catalog.DECLARED_PREFIX}{path.absolute()}"
    try:
        catalog.adapter(model)
    except OSError as error:
        raise ValueError(f"--model {model}: {_reason(error)}") from error
    return model


def _reason(error: Exception) -> str:
    told = error.strerror if isinstance(error, OSError) else None
    return f"{told or error}".rstrip(".") + "."


def _told(candidate: Candidate, saved: dict[str, KnownSensor]) -> dict[str, Any]:
    seen = candidate.seen
    known = saved.get(seen.identifier)
    return {
        "identifier": seen.identifier,
        "name": seen.name,
        "models": candidate.models,
        "rssi_dbm": seen.rssi or None,
        "placement": known.placement if known else "",
    }


def _row(candidate: Candidate, saved: dict[str, KnownSensor]) -> tuple[str, ...]:
    told = _told(candidate, saved)
    return (
        told["name"] or "–",
        told["identifier"],
        " or ".join(told["models"]) or "–",
        f"{told['rssi_dbm']} dBm" if told["rssi_dbm"] else "–",
        told["placement"] or "–",
    )
