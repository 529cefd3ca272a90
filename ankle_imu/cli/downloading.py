"""`download`: what a sensor recorded into its own memory."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ankle_imu.cli import bluetooth, failures
from ankle_imu.cli.arguments import AsJson, Into, Person, library_root
from ankle_imu.cli.output import progress, say, show, show_json, show_table
from ankle_imu.cli.sensing import Sensor, adapter_of

if TYPE_CHECKING:
    from ankle_imu.devices.adapter import Identity, LogFile, Logging
    from ankle_imu.library import KnownSensor


def download(
    sensor: Sensor,
    /,
    *,
    show_list: Annotated[bool, Parameter(name="--list", negative="", help="Only show what is there.")] = False,
    log: Annotated[str, Parameter(show_default=False, help="Which one, as --list shows it; else the last.")] = "",
    heal: Annotated[
        str, Parameter(show_default=False, help="Fill the gaps of this session instead of making a new one.")
    ] = "",
    out: Into = None,
    person: Person = "",
    as_json: AsJson = False,
) -> None:
    """Fetch a recording from a sensor's own memory: a new session, or what another one lacks.

    A fetch that was cut off goes on where it stopped.
    """
    from ankle_imu import recording
    from ankle_imu.capture import Wanted
    from ankle_imu.capture.flash import heal_session, save_log
    from ankle_imu.cli.sessions import locate
    from ankle_imu.devices.adapter import Logging
    from ankle_imu.library import find_sensor
    from ankle_imu.manifest import check_alias
    from ankle_imu.report import words

    root = library_root(out)
    with failures.user_input():
        alias = check_alias(person) if person else ""
    known = find_sensor(root, sensor)
    session = locate(root, heal) if heal else None
    if session is not None and recording.is_being_recorded(session):
        raise recording.being_recorded(session)
    adapter = adapter_of(known)
    if not isinstance(adapter, Logging):
        raise failures.UsageError(f"Sensors of kind {known.model} keep no recordings that can be fetched.")
    if not (show_list or known.placement):
        raise failures.UsageError(
            f"{known.serial} is not worn anywhere; say where with "
            f"`ankle-imu sensors add {known.identifier} --as PLACEMENT`."
        )
    identity, logs = bluetooth.run(_ask(known, adapter))
    if show_list:
        _show_logs(logs, as_json)
        return
    chosen = _choose(logs, log, known)
    kept = _kept(root, known, identity, chosen)
    stream, payloads = adapter.log_stream(chosen, _fetch(known, adapter, chosen, kept))
    if session is not None:
        healed = heal_session(session, known.placement, stream, payloads)
        say(
            f"{words.plural(healed.found, 'sample')} of {healed.missing:,} that were missing at {known.placement} "
            f"{'are' if healed.found != 1 else 'is'} there now."
        )
        facts = {"session": session.name, "missing": healed.missing, "found": healed.found}
    else:
        wanted = Wanted(
            identifier=known.identifier,
            placement=known.placement,
            model=known.model,
            mount_site=known.mount_site,
            serial=known.serial,
        )
        session = save_log(root, wanted, identity, chosen, stream, payloads, alias=alias)
        facts = {"session": session.name, "packets": len(payloads)}
    _forget(kept, chosen)
    if as_json:
        show_json({**facts, "path": session, "log": chosen.key, "files": [session]})
    else:
        show(session)


async def _ask(known: KnownSensor, adapter: Logging) -> tuple[Identity, list[LogFile]]:
    from ankle_imu.capture.introduce import visit

    async with visit(bluetooth.radio(), known.identifier) as link:
        return await adapter.identify(link), await adapter.list_logs(link)


def _show_logs(logs: list[LogFile], as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        show_json({"logs": [asdict(log) for log in logs]})
    elif logs:
        rows = [(log.key, _count(log.size), _count(log.n), _when(log.started_s), log.note) for log in logs]
        show_table(("Log", "Bytes", "Samples", "Started", ""), rows, right=("Bytes", "Samples"))
    else:
        say("The sensor holds no recording.")


def _choose(logs: list[LogFile], key: str, known: KnownSensor) -> LogFile:
    from ankle_imu.errors import QualityRefusal

    if not logs:
        raise QualityRefusal(f"{known.placement} ({known.serial}) holds no recording.")
    found = [log for log in logs if log.key == key] if key else [logs[-1]]
    if not found:
        raise failures.UsageError(
            f"There is no log {key!r}; there are {', '.join(log.key for log in logs)}. --list tells more."
        )
    return found[0]


def _kept(root: Path, known: KnownSensor, identity: Identity, log: LogFile) -> Path:
    """File that takes what comes of a log; another log of that key, after an erasure, has another one."""
    from ankle_imu.library import sensor_folder

    facts = (log.size, log.n, f"{log.started_s:.0f}", identity.serial or known.serial)
    name = "-".join(_fit_for_a_name(str(fact)) for fact in ("log", log.key, *facts))
    return sensor_folder(root, known.serial) / f"{name}.bin"


def _forget(kept: Path, log: LogFile) -> None:
    """Remove what was kept of a log that is saved now, also from when it was shorter."""
    for path in kept.parent.glob(f"log-{_fit_for_a_name(log.key)}-*.bin"):
        path.unlink(missing_ok=True)
    with suppress(OSError):
        kept.parent.rmdir()


def _fit_for_a_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._]", "_", text)


def _fetch(known: KnownSensor, adapter: Logging, log: LogFile, kept: Path) -> bytes:
    """The bytes of a log, with a bar; what was fetched before is used."""
    from ankle_imu.capture.fetch import fetch

    with progress(f"fetching log {log.key}") as tell:
        data = bluetooth.run(
            fetch(
                bluetooth.radio(),
                known.identifier,
                adapter,
                log,
                kept,
                lambda have, size: tell(f"fetching log {log.key}", have / size if size > 0 else 0.0),
            )
        )
    say(f"Log {log.key}: {len(data):,} bytes.")
    return data


def _count(n: int) -> str:
    return f"{n:,}" if n >= 0 else "–"


def _when(started_s: float) -> str:
    from datetime import UTC, datetime

    return f"{datetime.fromtimestamp(started_s, tz=UTC):%Y-%m-%d %H:%M} UTC" if started_s > 0 else "–"
