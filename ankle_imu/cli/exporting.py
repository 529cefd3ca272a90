"""`export`: a session in the formats of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, complete_sessions, library_root
from ankle_imu.cli.output import Tell, progress, say, show, show_json

if TYPE_CHECKING:
    from ankle_imu.interchange.outgoing import Outgoing

Format = Literal["motion-bids", "csv", "parquet", "sto", "gpx", "geojson", "mcap", "c3d"]
"""`interchange.exporters.EXPORTERS`, repeated because the help must not load numpy."""

Positions = Literal["keep", "trim", "none"]
"""`interchange.outgoing.Positions`, likewise."""


def export(
    refs: Annotated[
        tuple[str, ...], Parameter(name="SESSION", help="Folders, ids or `last`.", completer=complete_sessions)
    ],
    /,
    *,
    to: Annotated[Format, Parameter(name="--to", help="Format.")],
    out: Annotated[
        Path | None,
        Parameter(
            name=("-o", "--out"),
            help="File or folder to write; else one named after the session, here.",
        ),
    ] = None,
    positions: Annotated[
        Positions, Parameter(help="Tracks as they are, without the surroundings of both ends, or none at all.")
    ] = "trim",
    trim_m: Annotated[float, Parameter(name="--trim", help="How much `trim` hides round each end, m.")] = 200.0,
    words: Annotated[
        bool,
        Parameter(
            negative="", show_default=False, help="With notes and the words of marks; they may name someone."
        ),
    ] = False,
    replace: Annotated[
        bool, Parameter(negative="", show_default=False, help="Replace a file that is there already.")
    ] = False,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Write sessions for other programs.

    * `motion-bids`: one data set of all sessions, samples as measured, with strides and events
    * `csv`, `parquet`: samples of each sensor and all tables, with a dictionary of the columns
    * `sto`: quaternions of the segments for OpenSense (OpenSim)
    * `gpx`, `geojson`: the track with numbered events, for maps
    * `mcap`: every sample a message, for viewers
    * `c3d`: sensors and angles on one grid (needs `pip install 'ankle-imu[formats]'`)

    No export holds names, aliases, serial numbers or addresses: people and sensors go by salted hashes that only
    this computer can make. Places near both ends of the track are left out, see `--positions`; pace and turns
    still tell roughly how the way went. A session without an up-to-date result is analyzed first.
    """
    from ankle_imu.interchange.exporters import EXPORTERS, check_free, default_target, is_one_file
    from ankle_imu.interchange.exporters import export as write

    root = library_root(library)
    if not trim_m > 0:
        raise failures.UsageError(f"--trim is {trim_m:g} m; expected more than 0.")
    if EXPORTERS[to].places == "none":
        positions = "none"
    elif EXPORTERS[to].places == "only" and positions == "none":
        raise failures.UsageError(f"{to} shows places; --positions none leaves nothing of it.")
    paths = list(dict.fromkeys(sessions.locate(root, ref) for ref in refs))
    if not paths:
        raise failures.UsageError("Give at least one SESSION.")
    target = (out or default_target(to, [path.name for path in paths])).expanduser().absolute()
    if is_one_file(to, len(paths)):
        target = target / default_target(to, [paths[0].name]) if target.is_dir() else target
        if target.exists() and not replace:
            raise failures.UsageError(f"{target} is there already; give another name, or --replace.")
    else:
        with failures.user_input():
            check_free(target)
    told: dict[str, list[str]] = {}
    with progress("reading") as tell:
        files = write(_outgoing(paths, positions, trim_m, words, told, tell), to, target, len(paths))
    if as_json:
        show_json({"format": to, "target": target, "files": files, "positions": positions, "left_out": told})
        return
    show(target)
    for name, sentences in told.items():
        for sentence in sentences:
            say(f"{name}: {sentence}" if len(paths) > 1 else sentence)


def _outgoing(
    paths: Sequence[Path], positions: Positions, trim_m: float, words: bool, told: dict[str, list[str]], tell: Tell
) -> Iterator[Outgoing]:
    """Sessions ready to leave, one at a time; what is left out of each is put into `told`."""
    from ankle_imu.interchange.outgoing import prepare
    from ankle_imu.library import place_key
    from ankle_imu.session_io import open_session

    key = place_key()
    for k, path in enumerate(paths):
        tell(f"{path.name}", k / len(paths))
        result = sessions.result_of(path, tell)
        out = prepare(open_session(path), result, key=key, positions=positions, trim_m=trim_m, has_words=words)
        told[path.name] = list(out.told)
        yield out
