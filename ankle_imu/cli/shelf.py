"""The sub-commands of `library`, and `library show`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cyclopts import App, Group

from ankle_imu.cli import arranging, keeping, listing, paging, sessions
from ankle_imu.cli.arguments import AsJson, Library, Session, store_of
from ankle_imu.cli.output import person_names, say, show, show_heading, show_json, show_table
from ankle_imu.errors import RecordingError

if TYPE_CHECKING:
    from pathlib import Path

    from ankle_imu.values import SensorInfo, SessionInfo


def build(group: Group, options: Group) -> App:
    """Give the sub-commands of `library`."""
    app = App(
        name="library",
        group=group,
        group_commands=Group("Commands"),
        group_parameters=options,
        help="List, search, show and arrange sessions.",
        help_epilogue="Example:  ankle-imu library list",
    )
    app.command(
        listing.list_, name="list", help_epilogue="Example:  ankle-imu library list --from 2026-05 --tag hill"
    )
    app.command(show_one, name="show", help_epilogue="Example:  ankle-imu library show last")
    app.command(paging.page, help_epilogue="Example:  ankle-imu library page -o walks.html")
    app.command(
        arranging.tag,
        usage="Usage: ankle-imu library tag SESSION [TAG...] [OPTIONS]",
        help_epilogue="Example:  ankle-imu library tag last physio hill --remove wet",
    )
    app.command(arranging.move, help_epilogue="Example:  ankle-imu library move last --person P-kqzt")
    app.command(arranging.reindex, help_epilogue="Example:  ankle-imu library reindex")
    keeping.register(app)
    return app


def show_one(
    ref: Session,
    /,
    *,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Show one session: who, when, which sensors, and its saved result."""
    from ankle_imu.library import find_practice, find_result
    from ankle_imu.recording import read_session_info

    path = sessions.locate_saved(library, ref)
    if not path.is_dir():
        raise RecordingError(
            f"{path} is a single file; `library show` tells of session folders, `analyze` of a file.",
            path=str(path),
        )
    info = read_session_info(path)
    newest = find_result(path) or find_practice(path)
    files = _files(path, newest)
    told = _told(path, newest)
    if as_json:
        show_json({"session": path.name, "path": path, "info": _info(info), "result": told, **files})
        return
    show_heading(path.name)
    is_mirrored = bool(store_of(library)) and not (path / "raw").exists()
    facts = [("folder", str(path)), *_facts(info), *_told_files(files, is_mirrored)]
    show_table(("", ""), [list(fact) for fact in facts])
    show()
    show_table(("Sensor", "Model", "Serial", "Mounted", "Rate"), [_sensor(s) for s in info.sensors.values()])
    show()
    if told:
        sessions.show_session(told)
    else:
        say(f"Not analyzed yet: ankle-imu analyze {path.name}")


def _told(path: Path, newest: Path | None) -> dict[str, Any] | None:
    """What the newest result says, of a walk or of practice."""
    from ankle_imu import batch
    from ankle_imu.library import find_result, load_practice, load_result

    if newest is None:
        return None
    if find_result(path) is None:
        return batch.describe_practice(path, load_practice(path))
    return sessions.describe(path, load_result(path))


_RESULTS = ("result.json", "practice.json")


def _files(path: Path, newest: Path | None) -> dict[str, Any]:
    """What lies in the folder of a session beside `session.toml`."""
    from ankle_imu.recording.sums import SUMS
    from ankle_imu.terrain import FILE_NAMES

    raw = [f.stat().st_size for f in (path / "raw").rglob("*") if f.is_file() and f.name != SUMS]
    results = sorted(found.parent.name for found in path.glob("derived/[!.]*/*.json") if found.name in _RESULTS)
    return {
        "raw": {"files": len(raw), "bytes": sum(raw)},
        "track": next((path / name for name in FILE_NAMES.values() if (path / name).exists()), None),
        "results": [{"settings": name, "is_newest": path / "derived" / name == newest} for name in results],
        "report": path / "report.html" if (path / "report.html").exists() else None,
    }


def _told_files(files: dict[str, Any], is_mirrored: bool) -> list[tuple[str, str]]:
    raw, results = files["raw"], files["results"]
    held = f"{raw['bytes'] / 1e6:.1f} MB in {raw['files']} file{'s' * (raw['files'] != 1)}"
    named = ", ".join(f"{one['settings']} (newest)" if one["is_newest"] else one["settings"] for one in results)
    facts = [
        ("recording", "in the store" if is_mirrored else held),
        ("track", files["track"].name if files["track"] else ""),
        ("results" if len(results) > 1 else "result", named),
        ("report", files["report"].name if files["report"] else ""),
    ]
    return [fact for fact in facts if fact[1]]


def _facts(info: SessionInfo) -> list[tuple[str, str]]:
    names = ("alias", "kind", "started_utc", "surface", "footwear", "brace", "affected_leg", "importer", "note")
    facts = [(name.replace("_", " "), str(getattr(info, name))) for name in names if getattr(info, name)]
    facts = [(name, person_names().get(fact, fact) if name == "alias" else fact) for name, fact in facts]
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
