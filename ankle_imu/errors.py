"""The errors a caller may meet, each with its facts as attributes and its exit code.

A message says what was found, what was expected and what to do. A caller's own mistake (wrong shape,
unknown name) is a plain `ValueError` or `TypeError`, raised before any work.
"""

from __future__ import annotations

import errno


class AnkleImuError(Exception):
    """Root of all errors of this package; `exit_code` is what the command line ends with."""

    exit_code = 1


class BluetoothUnavailable(AnkleImuError):
    """No adapter, adapter off, or no permission."""

    exit_code = 3


class DeviceError(AnkleImuError):
    """A sensor could not be reached or did not keep to its protocol."""

    exit_code = 4

    def __init__(self, message: str, *, identifier: str = "") -> None:
        super().__init__(message)
        self.identifier = identifier


class DeviceNotFound(DeviceError):
    """No sensor of that name or serial was seen."""


class ConnectionLost(DeviceError):
    """The link to a sensor broke and could not be restored."""


class RadioBusy(ConnectionLost):
    """The system's Bluetooth was at something else; trying again soon helps."""


class ProtocolError(DeviceError):
    """A payload that its protocol does not allow."""

    def __init__(self, message: str, *, payload: bytes = b"", identifier: str = "") -> None:
        super().__init__(message, identifier=identifier)
        self.payload = payload


class RecordingError(AnkleImuError):
    """A recording or a file that cannot be used as it is."""

    exit_code = 5

    def __init__(self, message: str, *, path: str = "", offset: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.offset = offset


class CorruptRecording(RecordingError):
    """Bytes that are damaged or of another kind of file."""


class UnknownFormatVersion(RecordingError):
    """Written by a newer version of the package."""


class ImplausibleUnits(RecordingError):
    """Numbers that physics contradicts in the units they were given in.

    `quantity` is `acc` or `gyr`; `likely_unit` the unit that would explain the numbers, "" when none does.
    """

    def __init__(self, message: str, *, quantity: str, likely_unit: str = "", path: str = "") -> None:
        super().__init__(message, path=path)
        self.quantity = quantity
        self.likely_unit = likely_unit


class StorageError(AnkleImuError):
    """The disk refused: full, read-only, no permission."""

    exit_code = 6

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class ExtraMissing(AnkleImuError):
    """What was asked for needs a package that is not installed."""

    exit_code = 2


class QualityRefusal(AnkleImuError):
    """The data are sound but too few or too poor for the answer asked for."""

    exit_code = 7


class CalibrationError(QualityRefusal):
    """A calibration or alignment that failed its gate."""


class NotStill(CalibrationError):
    """A standing pose was asked for and the sensor moved."""


class NotEnoughMotion(CalibrationError):
    """A movement was asked for and too little of it was seen."""


def explain(error: BaseException) -> tuple[str, int]:
    """Sentence and exit code of an exception.

    Examples
    --------
    >>> explain(StorageError("The disk is full."))
    ('The disk is full.', 6)
    """
    if isinstance(error, AnkleImuError):
        return str(error), error.exit_code
    if isinstance(error, OSError):
        at = f" at {error.filename}" if error.filename else ""
        if error.errno == errno.ENOSPC:
            return f"The disk is full{at}.", 6
        return f"The system refused{at}: {error.strerror or error}.", 6
    return f"bug: {type(error).__name__}: {error} (--debug shows where; please report it)", 1
