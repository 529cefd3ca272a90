"""Which exporter writes a format, and where: aside first, then under its name, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final, Literal

from ankle_imu.durable import whole_file, whole_folder
from ankle_imu.interchange import to_c3d, to_csv, to_geojson, to_gpx, to_mcap, to_motion_bids, to_sto
from ankle_imu.interchange.outgoing import Outgoing

WriteFile = Callable[[Outgoing, BinaryIO], None]
WriteFolder = Callable[[Outgoing, Path], None]
WriteSet = Callable[[Iterable[Outgoing], Path], None]


@dataclass(frozen=True, kw_only=True)
class Exporter:
    """How a format is written: `file` for one file per session, `folder` for a folder, `whole` for all in one.

    `places`: whether it shows any: `none`, `some` or `only`.
    """

    file: WriteFile | None = None
    folder: WriteFolder | None = None
    whole: WriteSet | None = None
    places: Literal["none", "some", "only"] = "some"


def _c3d(out: Outgoing, file: BinaryIO) -> None:
    with TemporaryDirectory(prefix="ankle-imu-") as scratch:
        to_c3d.write(out, file, Path(scratch))


EXPORTERS: Final[dict[str, Exporter]] = {
    "motion-bids": Exporter(whole=to_motion_bids.write, places="none"),
    "csv": Exporter(folder=to_csv.write_csv),
    "parquet": Exporter(folder=to_csv.write_parquet),
    "sto": Exporter(folder=to_sto.write, places="none"),
    "gpx": Exporter(file=to_gpx.write, places="only"),
    "geojson": Exporter(file=to_geojson.write, places="only"),
    "mcap": Exporter(file=to_mcap.write),
    "c3d": Exporter(file=_c3d, places="none"),
}
"""Name -> exporter."""


def default_target(to: str, names: list[str]) -> Path:
    """What an export is called when nobody says: after its session; of several, after the format."""
    stem = names[0] if len(names) == 1 and to != "motion-bids" else f"ankle_imu_{to.replace('-', '_')}"
    if len(names) > 1 or EXPORTERS[to].file is None:
        return Path(stem if stem.startswith("ankle_imu") else f"{stem}_{to}")
    return Path(f"{stem}.{to}")


def is_one_file(to: str, n_sessions: int) -> bool:
    """Whether so many sessions in that format are one file rather than a folder."""
    return EXPORTERS[to].file is not None and n_sessions == 1


def export(outs: Iterable[Outgoing], to: str, target: Path, n_sessions: int = 1) -> list[Path]:
    """Write sessions in one format.

    Parameters
    ----------
    outs : iterable of Outgoing, taken one at a time
    to : str, one of `EXPORTERS`
    target : Path of the file, or of a folder that does not exist or is empty; see `is_one_file`
    n_sessions : int, how many there are

    Returns
    -------
    list of Path
        Every file that was written, in order of its name.

    Raises
    ------
    ValueError
        If the format is unknown, or the folder holds something.
    StorageError
        If the disk refuses; nothing is left behind.
    """
    if to not in EXPORTERS:
        raise ValueError(f"Unknown format {to!r}; expected one of {', '.join(EXPORTERS)}.")
    exporter = EXPORTERS[to]
    if exporter.file is not None and n_sessions == 1:
        with whole_file(target) as file:
            exporter.file(next(iter(outs)), file)
        return [target]
    check_free(target)
    with whole_folder(target) as folder:
        if exporter.whole is not None:
            exporter.whole((replace(out, name=name) for out, name in _named(outs)), folder)
        else:
            for out, name in _named(outs):
                _write_one(exporter, out, folder, name, to, n_sessions)
    return sorted(path for path in target.rglob("*") if path.is_file())


def check_free(target: Path) -> None:
    """Raise `ValueError` unless a folder can come to lie there without replacing anything."""
    if target.exists() and not (target.is_dir() and not any(target.iterdir())):
        raise ValueError(f"{target} is there already and not empty, and no folder is replaced. Give a new name.")


def _named(outs: Iterable[Outgoing]) -> Iterator[tuple[Outgoing, str]]:
    """Sessions, each with a name that no other one of them has."""
    taken: set[str] = set()
    for out in outs:
        name, n = out.name, 1
        while name in taken:
            n += 1
            name = f"{out.name}-{n}"
        taken.add(name)
        yield out, name


def _write_one(exporter: Exporter, out: Outgoing, folder: Path, name: str, to: str, n_sessions: int) -> None:
    if exporter.file is not None:
        with (folder / f"{name}.{to}").open("wb") as file:
            exporter.file(out, file)
    elif exporter.folder is not None:
        own = folder / name if n_sessions > 1 else folder
        own.mkdir(exist_ok=True)
        exporter.folder(out, own)
