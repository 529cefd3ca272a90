"""`import`: files of other makers -> a session."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from ankle_imu.cli import failures
from ankle_imu.cli.arguments import AsJson, Into, Person, Placement, library_root
from ankle_imu.cli.output import progress, say, show, show_json

if TYPE_CHECKING:
    from ankle_imu.interchange import Imported, NotTold
    from ankle_imu.values import Recording, SessionInfo


def _text(name: str, help: str) -> Parameter:
    return Parameter(name=name, show_default=False, help=help)


def import_(
    files: Annotated[list[Path], Parameter(name="FILE", help="One file for each sensor.")],
    /,
    *,
    placements: Annotated[
        list[Placement],
        Parameter(name="--as", negative="", help="Where it was worn; once for each FILE, in order."),
    ],
    format: Annotated[
        str,
        _text("--format", "One of those above; else told from the content."),
    ] = "",
    mapping: Annotated[
        Path | None, Parameter(name="--mapping", help="TOML file that names columns and units of a CSV file.")
    ] = None,
    devices: Annotated[
        list[str] | None,
        Parameter(
            name="--device",
            negative="",
            help="Which sensor, of a file with several: its name or a part of it; once, or for each FILE.",
        ),
    ] = None,
    platform: Annotated[str, _text("--platform", "ios or android, for Sensor Logger without Metadata.csv.")] = "",
    acc_unit: Annotated[str, _text("--acc-unit", "Unit of acc where an XDF stream does not say it.")] = "",
    gyr_unit: Annotated[
        str,
        _text("--gyr-unit", "Unit of gyr where an XDF stream, or an Xsens file not from a DOT, does not say it."),
    ] = "",
    rate: Annotated[
        float | None,
        Parameter(name="--rate", help="Hz, where a file counts samples and tells no rate (MT Manager)."),
    ] = None,
    rebuild: Annotated[
        bool,
        Parameter(
            name="--rebuild",
            negative="",
            help="Compute acc and gyr of an Xsens DOT file that holds only orientation.",
        ),
    ] = False,
    mount_sites: Annotated[
        list[str] | None,
        Parameter(name="--mount-site", negative="", help="instep, lateral or heel; above_ankle or mid_shank."),
    ] = None,
    started: Annotated[
        str, _text("--started", "When it began, such as 2026-11-22T09:00:00Z, if no file says.")
    ] = "",
    person: Person = "",
    affected_leg: Annotated[str, _text("--affected-leg", "left or right.")] = "",
    note: Annotated[str, _text("--note", "Kept with the session.")] = "",
    out: Into = None,
    as_json: AsJson = False,
) -> None:
    """Make a session out of files of other makers.

    Prints the folder of the session. The format is told from the content; what was understood is said: rate, units
    and whether physics agrees with them, length, gaps. What a file leaves out is asked for, or taken from the
    options. The files are kept in the session; those of several sensors are put on one clock by the times they
    state.

    `xsens_dot` Movella / Xsens DOT; `mt_manager` Xsens MT Manager; `witmotion_app`, `witmotion_flash` WitMotion's
    app and SDCL memory; `metabase` MetaBase (one of the two files, or their folder); `movesense_sbem`,
    `movesense_json` Movesense; `axivity_cwa` Axivity AX6; `nilspod` NilsPod; `apdm_csv`, `apdm_h5` APDM Opal;
    `sensor_logger`, `phyphox` phone apps (zip); `xdf` LabRecorder; `motion_bids` a `*_motion.tsv`; `generic_csv`
    any CSV whose columns are named like `time [s]`, `acc_x [m/s^2]`, `gyr_x [deg/s]` or in a mapping file.
    """
    _check_counts(files, placements)
    from ankle_imu.interchange import join_parts

    told = {
        "mapping": mapping,
        "platform": platform,
        "acc_unit": acc_unit,
        "gyr_unit": gyr_unit,
        "rate": rate,
        "rebuild": rebuild,
    }
    options = [
        {name: value for name, value in {**told, "device": device}.items() if value}
        for device in _each(devices or [], files)
    ]
    info = _session_info(person, affected_leg, note, started)
    sites = _check_sites(mount_sites or [])
    parts = [
        _read_one(file, placement, format, given)
        for file, placement, given in zip(files, placements, options, strict=True)
    ]
    recording, remarks = join_parts(parts, [file.name for file in files])
    for remark in remarks:
        say(f"  {remark}")
    stated = recording.session.started_utc or info.started_utc
    info = replace(
        info,
        started_utc=stated or _local_start(parts) or _file_start(files[0], recording.duration),
        sensors={p.sensor.placement: _mounted(p, sites) for p in parts},
        importer=recording.session.importer,
    )
    folder = _save(recording, info, parts, files, library_root(out))
    if as_json:
        show_json(_told(folder, parts, recording))
    else:
        show(folder)


def _check_counts(files: Sequence[Path], placements: Sequence[str]) -> None:
    if len(files) != len(placements):
        raise failures.UsageError(
            f"Found {len(files)} files and {len(placements)} --as; give one --as for each file, in their order."
        )
    if len(set(placements)) < len(placements):
        raise failures.UsageError("Each --as must name another placement; two sensors cannot be worn at one.")


def _each(devices: Sequence[str], files: Sequence[Path]) -> list[str]:
    """The device of each file: the same for all, or one for each."""
    if len(devices) <= 1:
        return [*devices, ""][:1] * len(files)
    if len(devices) != len(files):
        raise failures.UsageError(
            f"Found {len(files)} files and {len(devices)} --device; give one, or one for each."
        )
    return list(devices)


def _session_info(person: str, affected_leg: str, note: str, started: str) -> SessionInfo:
    from ankle_imu import frames, manifest
    from ankle_imu.values import SessionInfo

    with failures.user_input():
        if affected_leg not in ("", *frames.LEGS):
            raise ValueError(f"--affected-leg must be left or right, found {affected_leg!r}.")
        return SessionInfo(
            alias=manifest.check_alias(person) if person else "",
            affected_leg=affected_leg,
            note=note,
            started_utc=manifest.format_utc(manifest.parse_utc(started)) if started else "",
        )


def _check_sites(sites: list[str]) -> list[str]:
    from ankle_imu import frames

    known = [site for group in frames.MOUNT_SITES.values() for site in group]
    for site in sites:
        if site not in known:
            raise failures.UsageError(f"Unknown mount site {site!r}; expected one of {', '.join(known)}.")
    return sites


def _mounted(part: Imported, sites: list[str]) -> Any:
    from ankle_imu import frames

    allowed = frames.MOUNT_SITES[frames.segment_of(part.sensor.placement)]
    site = next((site for site in sites if site in allowed), part.sensor.mount_site)
    return replace(part.sensor, mount_site=site)


def _read_one(file: Path, placement: str, format: str, options: dict[str, Any]) -> Imported:
    """Read one file, check that physics agrees with its units, and say what was understood."""
    from ankle_imu.calibration.plausibility import check_units, likely_units
    from ankle_imu.interchange import NotTold, read, recognise

    chosen = format or ("generic_csv" if "mapping" in options else recognise(file))
    if chosen == "generic_csv":
        options = {"suggest_units": likely_units, **options}
    while True:
        try:
            with failures.user_input(), progress("reading"):
                part = read(file, placement, chosen, **options)
            break
        except NotTold as error:
            options = {**options, error.option: _ask(error)}
    remarks = check_units(part.series, placement)
    say(f"{file.name}: {part.format}, {placement}")
    for line in (*part.notes, *remarks):
        say(f"  {line}")
    if not remarks:
        say(f"  acc in {part.acc_unit}, gyr in {part.gyr_unit}: physics agrees")
    return part


def _ask(error: NotTold) -> Any:
    """What a file leaves out, from the person at the terminal; without one, the refusal stands."""
    if not sys.stdin.isatty():
        raise error
    say(str(error))
    options = ", ".join(error.choices) or "a number"
    answer = input(f"{error.option} ({options}): ").strip()
    if error.choices and answer in error.choices:
        return answer
    try:
        return answer if error.choices else float(answer)
    except ValueError:
        raise failures.UsageError(f"Found {answer!r}; expected {options}.") from error


def _local_start(parts: Sequence[Imported]) -> str:
    """Start by the sensor's wall clock, taken for this computer's zone and said to be; "" without such a clock."""
    from ankle_imu.manifest import format_utc

    told = min((part.started_local for part in parts if part.started_local), default="")
    if not told or len({bool(part.started_local) for part in parts}) > 1:
        return ""
    moment = datetime.fromisoformat(told).astimezone()
    say(f"  {told} is read as time of this computer's zone, {moment.tzname()} (--started says it better).")
    return format_utc(moment)


def _file_start(file: Path, duration: float) -> str:
    """When the file was last changed, less its length: the best guess there is, and said to be one."""
    from ankle_imu.manifest import format_utc

    changed = datetime.fromtimestamp(int(file.stat().st_mtime), tz=UTC)
    started = format_utc(changed - timedelta(seconds=round(duration)))
    say(f"  no start time is stated; {started} is taken from the date of the file (--started says it better).")
    return started


def _save(
    recording: Recording, info: SessionInfo, parts: Sequence[Imported], files: Sequence[Path], root: Path
) -> Path:
    from ankle_imu.session_io import save_recording

    read = [inner for part, file in zip(parts, files, strict=True) for inner in part.files or _files_of(file)]
    originals = list(dict.fromkeys(read))
    formats = "+".join(dict.fromkeys(part.format for part in parts))
    return save_recording(recording, root, info=info, import_format=formats, originals=originals)


def _files_of(path: Path) -> list[Path]:
    return sorted(inner for inner in path.rglob("*") if inner.is_file()) if path.is_dir() else [path]


def _told(folder: Path, parts: Sequence[Imported], recording: Recording) -> dict[str, Any]:
    return {
        "session": folder.name,
        "path": folder,
        "alias": folder.parents[1].name,
        "duration_s": recording.duration,
        "sensors": [
            {
                "placement": p.sensor.placement,
                "format": p.format,
                "sampling_rate_hz": p.series.sampling_rate,
                "acc_unit": p.acc_unit,
                "gyr_unit": p.gyr_unit,
                "lost": p.loss.lost,
                "notes": p.notes,
            }
            for p in parts
        ],
        "files": [folder],
    }
