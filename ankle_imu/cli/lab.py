"""`record --lsl` and `--lsl-from`: side by side with the other programs of a lab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

if TYPE_CHECKING:
    from ankle_imu.capture import Wanted
    from ankle_imu.devices.adapter import Adapter, Radio
    from ankle_imu.lsl import Outlets

Lsl = Annotated[
    bool,
    Parameter(
        name="--lsl", negative="", show_default=False, help="Send samples and markers to the Lab Streaming Layer."
    ),
]
LslFrom = Annotated[
    list[str] | None,
    Parameter(
        name="--lsl-from",
        negative="",
        help="NAME=PLACEMENT: record a Lab Streaming Layer stream of this name as a sensor; may be repeated.",
    ),
]


def outlets() -> Outlets:
    """The streams that other programs can receive."""
    from ankle_imu.lsl import Outlets

    return Outlets()


def source(pairs: Sequence[tuple[str, str]]) -> tuple[Radio, dict[Wanted, Adapter]]:
    """Streams of other programs as sensors, from (name, placement) of each."""
    from ankle_imu.capture import Wanted
    from ankle_imu.devices.lsl import MODEL, LslAdapter, LslRadio

    sensors: dict[Wanted, Adapter] = {
        Wanted(identifier=name, placement=placement, model=MODEL): LslAdapter() for name, placement in pairs
    }
    return LslRadio(), sensors
