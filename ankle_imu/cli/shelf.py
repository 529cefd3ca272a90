"""`library list` and `library show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Group, Parameter

from ankle_imu.cli import paging, sessions
from ankle_imu.cli.arguments import AsJson, Library, Person, library_root
from ankle_imu.cli.output import say, show, show_heading, show_json, show_table
from ankle_imu.errors import RecordingError

if TYPE_CHECKING:
    from ankle_imu.library import SessionEntry
    from ankle_imu.values import SensorInfo, SessionInfo


def build(group: Group, options: Group) -> App:
    """Give the sub-commands of `library`."""
    app = App(
        name="library",
        group=group,
        group_commands=Group("Commands"),
        group_parameters=options,
        help="List sessions, or show one.",
        help_epilogue="Example:  ankle-imu library list",
    )
    app.command(list_, name="list", help_epilogue="Example:  ankle-imu library list --person P-demo")
    app.command(show_one, name="show", help_epilogue="Example:  ankle-imu library show last")
    app.command(paging.page, help_epilogue="Example:  ankle-imu library page -o walks.html")
    return app


def list_(*, person: Person = "", library: Library = None, as_json: AsJson = False) -> None:
    """List the sessions of the library, oldest first."""
    from ankle_imu.library import list_sessions

    root = library_root(library)
    entries = list_sessions(root, person or None)
    if as_json:
        show_json({"library": root, "sessions": [_entry(entry) for entry in entries]})
        return
    if not entries:
        say(f"The library at {root} holds no sessions{f' of {person}' if person else ''} yet.")
        return
    rows = [_row(entry) for entry in entries]
    show_table(("Session", "Person", "Sensors", "Ground", "Analyzed"), rows)
    for entry in entries:
        if entry.problem:
            say(f"{entry.session_id}: {entry.problem}")


def show_one(
    ref: Annotated[str, Parameter(name="SESSION", help="Folder, id or `last`.")],
    /,
    *,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Show one session: who, when, which sensors, and its saved result."""
    from ankle_imu.library import find_result, load_result
    from ankle_imu.recording import read_session_info

    path = sessions.locate(library_root(library), ref)
    if not path.is_dir():
        raise RecordingError(
            f"{path} is a single file; `library show` tells of session folders, `analyze` of a file.",
            path=str(path),
        )
    info = read_session_info(path)
    result = load_result(path) if find_result(path) else None
    told = sessions.describe(path, result) if result else None
    if as_json:
        show_json({"session": path.name, "path": path, "info": _info(info), "result": told})
        return
    show_heading(path.name)
    facts = [("folder", str(path)), *_facts(info)]
    show_table(("", ""), [list(fact) for fact in facts])
    show()
    show_table(("Sensor", "Model", "Serial", "Mounted", "Rate"), [_sensor(s) for s in info.sensors.values()])
    show()
    if told:
        sessions.show_session(told)
    else:
        say(f"Not analyzed yet: ankle-imu analyze {path.name}")


def _entry(entry: SessionEntry) -> dict[str, Any]:
    from ankle_imu.library import find_result

    return {
        "session": entry.session_id,
        "alias": entry.alias,
        "path": entry.path,
        "started_utc": entry.info.started_utc,
        "kind": entry.info.kind,
        "sensors": list(entry.info.sensors),
        "surface": entry.info.surface,
        "result": find_result(entry.path),
        "problem": entry.problem,
    }


def _row(entry: SessionEntry) -> list[str]:
    from ankle_imu.library import find_result

    if entry.problem:
        return [entry.session_id, entry.alias, "cannot be read", "", ""]
    sensors = _worn(list(entry.info.sensors))
    analyzed = "yes" if find_result(entry.path) else "no"
    return [entry.session_id, entry.alias, sensors, entry.info.surface, analyzed]


def _worn(placements: list[str]) -> str:
    """`left foot+shank, right foot`, in the order of `placements`."""
    legs = dict.fromkeys(placement.split("_")[0] for placement in placements)
    return ", ".join(f"{leg} {'+'.join(p.split('_')[1] for p in placements if p.startswith(leg))}" for leg in legs)


def _facts(info: SessionInfo) -> list[tuple[str, str]]:
    names = ("alias", "kind", "started_utc", "surface", "footwear", "brace", "affected_leg", "importer", "note")
    facts = [(name.replace("_", " "), str(getattr(info, name))) for name in names if getattr(info, name)]
    facts += [("tags", ", ".join(info.tags))] if info.tags else []
    return facts + [(f"load {leg}", f"{kg:g} kg") for leg, kg in info.load_kg.items()]


def _sensor(sensor: SensorInfo) -> list[str]:
    rate = sensor.nominal_rate_hz
    return [
        sensor.placement,
        sensor.model or "–",
        sensor.serial or "–",
        sensor.mount_site or "–",
        f"{rate:g} Hz" if rate == rate else "–",
    ]


def _info(info: SessionInfo) -> dict[str, Any]:
    from dataclasses import fields

    values = {f.name: getattr(info, f.name) for f in fields(info) if f.name != "sensors"}
    sensors = {p: {f.name: getattr(s, f.name) for f in fields(s)} for p, s in info.sensors.items()}
    return {**values, "sensors": sensors}
