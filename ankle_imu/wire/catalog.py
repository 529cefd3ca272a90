"""Protocol name -> decoder. The one place that knows them all; each is imported when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Final, cast

from ankle_imu.wire.block import Array, Block

IMPORT_PREFIX: Final = "import/"
"""Start of the protocol name of imported rows; the rest names the file format that they came from."""

_DECODERS: Final = {
    "ankle": "ankle_imu.wire.ankle",
    "witmotion": "ankle_imu.wire.witmotion",
    "movesense": "ankle_imu.wire.movesense",
    "movesense_sbem": "ankle_imu.wire.movesense_sbem",
    "polar": "ankle_imu.wire.polar",
    "metawear": "ankle_imu.wire.metawear",
    "movella_dot": "ankle_imu.wire.movella_dot",
    "csv_lines": "ankle_imu.wire.csv_lines",
    "declared": "ankle_imu.wire.declared",
}


_QUICK: Final = {"ankle": "ankle_imu.wire.ankle"}
"""Protocols whose packets can be read one by one."""

Quick = Callable[[bytes, Mapping[str, Any]], tuple[int, Array, Array] | None]


def quick_decoder(protocol: str) -> Quick | None:
    """`decode_one` of a protocol whose packets tell all about themselves, see `wire.ankle`; None for others."""
    home = _QUICK.get(protocol)
    return cast("Quick", import_module(home).decode_one) if home else None


def protocols() -> tuple[str, ...]:
    """Names that `decode` knows."""
    return (*_DECODERS, f"{IMPORT_PREFIX}<format>")


def decode(
    protocol: str, payloads: Iterable[tuple[float, bytes]], config: Mapping[str, Any] | None = None
) -> list[Block]:
    """Samples of recorded payloads, in SI units.

    Parameters
    ----------
    protocol : str, one of `protocols()`
    payloads : iterable of (arrival, payload): arrival in s, payload as received; or `packets.Packets`, the same in
        columns, which is quicker
    config : mapping, what the payloads themselves do not tell (ranges); see the module of the protocol

    Returns
    -------
    list of Block
        Samples in arrival order; packets that cannot be decoded are counted in `errors` and give no sample.
        Empty without payloads.

    Raises
    ------
    ValueError
        If the protocol is unknown or `config` lacks what it needs.
    """
    if protocol.startswith(IMPORT_PREFIX) and len(protocol) > len(IMPORT_PREFIX):
        home = "ankle_imu.wire.import_rows"
    elif protocol in _DECODERS:
        home = _DECODERS[protocol]
    else:
        raise ValueError(f"Unknown protocol {protocol!r}; known are {', '.join(protocols())}.")
    return cast("list[Block]", import_module(home).decode(payloads, config or {}))
