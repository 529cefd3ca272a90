"""A sensor's calibration as plain values for JSON, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from ankle_imu.errors import CorruptRecording, UnknownFormatVersion
from ankle_imu.values import SensorCalibration

FORMAT_VERSION: Final = 1


def to_json(calibration: SensorCalibration) -> dict[str, Any]:
    """Plain values; units stand in the names."""
    return {
        "format_version": FORMAT_VERSION,
        "serial": calibration.serial,
        "made_utc": calibration.made_utc,
        "mount_site": calibration.mount_site,
        "temperature_c": _known(calibration.temperature_c),
        "n_poses": calibration.n_poses,
        "acc_offset_mps2": calibration.acc_offset.tolist(),
        "acc_matrix": calibration.acc_matrix.tolist(),
        "gyr_bias_radps": calibration.gyr_bias.tolist(),
        "residual_mps2": _known(calibration.residual),
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def from_json(content: Mapping[str, Any]) -> SensorCalibration:
    """The calibration that `to_json` wrote.

    Raises
    ------
    UnknownFormatVersion
        If a newer version of the package wrote it.
    CorruptRecording
        If something is missing or of the wrong kind.
    """
    try:
        version = int(content["format_version"])
        if version > FORMAT_VERSION:
            raise UnknownFormatVersion(
                f"The calibration has format_version {version}, this package reads up to {FORMAT_VERSION}; "
                "update ankle-imu."
            )
        return SensorCalibration(
            serial=str(content["serial"]),
            made_utc=str(content["made_utc"]),
            mount_site=str(content["mount_site"]),
            temperature_c=_number(content["temperature_c"]),
            n_poses=int(content["n_poses"]),
            acc_offset=content["acc_offset_mps2"],
            acc_matrix=content["acc_matrix"],
            gyr_bias=content["gyr_bias_radps"],
            residual=_number(content["residual_mps2"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptRecording(
            f"A saved calibration cannot be read ({error}); run `ankle-imu sensors calibrate` again."
        ) from error
