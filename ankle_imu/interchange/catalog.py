"""Which importer reads a file: by name, or by what is in it."""

from __future__ import annotations

import inspect
import zipfile
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ankle_imu import frames
from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange import generic_csv, sensor_logger, witmotion_app, xsens_dot
from ankle_imu.interchange.imported import Imported
from ankle_imu.interchange.text_table import decode, looks_like_text

_MODULES: Final[dict[str, ModuleType]] = {
    module.NAME: module for module in (xsens_dot, witmotion_app, sensor_logger, generic_csv)
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
    **options : of that format: `device` (witmotion_app), `platform` (sensor_logger), `mapping` and `suggest_units`
        (generic_csv), `gyr_unit` (xsens_dot)

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
    reader = _MODULES[format].read
    known = [p.name for p in inspect.signature(reader).parameters.values() if p.kind is p.KEYWORD_ONLY]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise ValueError(f"Format {format} takes no option {', '.join(unknown)}; it takes {', '.join(known)}.")
    result: Imported = reader(path, placement, **options)
    return result


def recognise(path: str | Path) -> str:
    """Name of the format of a file, by its content.

    Parameters
    ----------
    path : str or Path of a file, or of an unpacked Sensor Logger export

    Raises
    ------
    RecordingError
        If there is no such file, it is empty, or it is of no format in `FORMATS`.
    CorruptRecording
        If it begins as a zip and is none.
    """
    path = Path(path)
    if path.is_dir():
        return _by_names([p.name for p in path.iterdir()], path)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError as error:
        raise RecordingError(f"{path}: {error.strerror}.", path=str(path)) from error
    if head.startswith(b"PK"):
        return _by_names(_zip_names(path), path)
    if head.strip() and not looks_like_text(head):
        raise _unknown(path, "binary data")
    text = decode(head, str(path))
    if text.lstrip().startswith("//") and "MT Manager" in text[:2000]:
        raise _unknown(path, "an Xsens MT Manager export")
    for module in (xsens_dot, witmotion_app, generic_csv):
        if module.recognises(text):
            return str(module.NAME)
    raise _unknown(path, f"text that begins {text.strip().splitlines()[0][:60]!r}")


def _by_names(names: list[str], path: Path) -> str:
    if sensor_logger.recognises_names(names):
        return sensor_logger.NAME
    raise _unknown(path, f"files {', '.join(sorted(names)[:5])}" if names else "no files")


def _zip_names(path: Path) -> list[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except zipfile.BadZipFile as error:
        raise CorruptRecording(f"{path} is a damaged or cut-off zip.", path=str(path)) from error


def _unknown(path: Path, saw: str) -> RecordingError:
    return RecordingError(
        f"{path} is of no known format (found {saw}); known are {', '.join(FORMATS)}. "
        f"Delimited text can be read as {generic_csv.NAME} with a mapping of its columns.",
        path=str(path),
    )
