"""Which importer reads a file: by name, or by what is in it."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ankle_imu import frames
from ankle_imu.errors import RecordingError
from ankle_imu.interchange import (
    apdm_csv,
    apdm_h5,
    axivity_cwa,
    generic_csv,
    metabase,
    motion_bids_reader,
    movesense_json,
    movesense_sbem,
    mt_manager,
    nilspod,
    phyphox,
    sensor_logger,
    witmotion_app,
    witmotion_flash,
    xdf,
    xsens_dot,
)
from ankle_imu.interchange.bytes_of import open_zip, read_head
from ankle_imu.interchange.imported import Imported
from ankle_imu.interchange.text_table import decode, looks_like_text

_BINARY: Final = (axivity_cwa, xdf, apdm_h5, movesense_sbem, witmotion_flash, nilspod)
_TEXT: Final = (apdm_csv, mt_manager, xsens_dot, witmotion_app, metabase, movesense_json, generic_csv)
_ARCHIVES: Final = (phyphox, sensor_logger, metabase)  # phyphox too may hold a Gyroscope.csv
_MODULES: Final[dict[str, ModuleType]] = {
    module.NAME: module
    for module in dict.fromkeys((*_BINARY, motion_bids_reader, *_ARCHIVES, *_TEXT[:-1], generic_csv))
}
FORMATS: Final = tuple(_MODULES)
"""Names of the formats that can be read, most particular first."""

_HEAD: Final = 65536


def read(path: str | Path, placement: str, format: str | None = None, **options: Any) -> Imported:
    """Read one sensor's stream out of a file of another maker.

    Parameters
    ----------
    path : str or Path
    placement : str, one of `frames.PLACEMENTS`, where the sensor was worn
    format : str, one of `FORMATS`; None means it is recognised from the content
    **options : of that format: `device` (where a file holds several sensors), `platform` (sensor_logger),
        `mapping` and `suggest_units` (generic_csv), `acc_unit` (xdf), `gyr_unit` (xsens_dot, xdf), `rate`
        (mt_manager), `rebuild` (xsens_dot)

    Returns
    -------
    Imported

    Raises
    ------
    ValueError
        If the placement, the format or an option is unknown.
    RecordingError
        If there is no such file, it is of no known format, or lacks what an analysis needs.
    CorruptRecording
        If it is damaged or says contradictory things.
    """
    frames.check_placement(placement)
    path = Path(path)
    if format is None:
        format = generic_csv.NAME if "mapping" in options else recognise(path)
    if format not in _MODULES:
        raise ValueError(f"Unknown format {format!r}; expected one of {', '.join(FORMATS)}.")
    known = options_of(format)
    unknown = sorted(set(options) - set(known))
    if unknown:
        takes = ", ".join(known) or "none"
        raise ValueError(f"Format {format} takes no option {', '.join(unknown)}; it takes {takes}.")
    result: Imported = _MODULES[format].read(path, placement, **options)
    return result


def options_of(format: str) -> tuple[str, ...]:
    """Names of the options that the reader of a format takes."""
    parameters = inspect.signature(_MODULES[format].read).parameters.values()
    return tuple(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)


def recognise(path: str | Path) -> str:
    """Name of the format of a file, by its content.

    Parameters
    ----------
    path : str or Path of a file, or of a folder that an export was unpacked into

    Raises
    ------
    RecordingError
        If there is no such file, it is empty, or it is of no format in `FORMATS`.
    CorruptRecording
        If it begins as a zip and is none.
    """
    path = Path(path)
    if path.is_dir():
        return _by_names([p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file()], path)
    head = read_head(path, _HEAD)
    if motion_bids_reader.recognises_path(path):
        return motion_bids_reader.NAME
    if head.startswith(b"PK"):
        return _by_names(_zip_names(path), path)
    if binary := next((module.NAME for module in _BINARY if module.recognises_bytes(head)), ""):
        return binary
    if head.strip() and not looks_like_text(head):
        raise _unknown(path, "binary data")
    text = decode(head, str(path))
    for module in _TEXT:
        if module.recognises(text):
            return str(module.NAME)
    raise _unknown(path, f"text that begins {text.strip().splitlines()[0][:60]!r}")


def _by_names(names: list[str], path: Path) -> str:
    for module in _ARCHIVES:
        if module.recognises_names(names):
            return str(module.NAME)
    raise _unknown(path, f"files {', '.join(sorted(names)[:5])}" if names else "no files")


def _zip_names(path: Path) -> list[str]:
    with open_zip(path) as archive:
        return archive.namelist()


def _unknown(path: Path, saw: str) -> RecordingError:
    return RecordingError(
        f"{path} is of no known format (found {saw}); known are {', '.join(FORMATS)}. "
        f"Delimited text can be read as {generic_csv.NAME} with a mapping of its columns.",
        path=str(path),
    )
