"""Battery, and the flash log of the SDCL model, of WitMotion sensors (frames and registers: `witmotion`).

    list of files    FF AA 5A 01 00          -> 55 AA name CR LF, for each
    choose a file    55 BB name CR LF        -> 55 BB name ":" pieces in decimal CR LF
    begin, end       FF AA 5B 01 00, FF AA 5B 02 00: no answer
    fetch a piece    55 FF number u16, high byte first -> the same and at most 200 bytes of the file

The log is read from the maker's document only [1]; nobody known to us has tried it on a sensor.

See `firmware_notes/witmotion.md`.

References
----------
.. [1] WITMOTION, WT901SDCL-BT50 communication protocol: battery table, recording protocol.
"""

from __future__ import annotations

import re
from typing import Final

LIST_FILES: Final = bytes.fromhex("ffaa5a0100")
BEGIN_READING: Final = bytes.fromhex("ffaa5b0100")
END_READING: Final = bytes.fromhex("ffaa5b0200")
PIECE_BYTES: Final = 200

_FILE: Final = re.compile(rb"\x55\xaa([\x21-\x7e]+)\r\n")
_SIZE: Final = re.compile(rb"\x55\xbb([\x21-\x7e]+?) *: *(\d+) *\r\n")
_PIECE: Final = b"\x55\xff"
_STAIRS: Final = (
    (396, 1.0),
    (393, 0.9),
    (387, 0.75),
    (382, 0.6),
    (379, 0.5),
    (377, 0.4),
    (373, 0.3),
    (370, 0.2),
    (368, 0.15),
    (350, 0.1),
    (340, 0.05),
)


def read_charge(centivolts: int) -> float:
    """Charge, share 0..1, by the maker's table [1]; `centivolts` is register 0x64.

    Examples
    --------
    >>> read_charge(396), read_charge(381), read_charge(300)
    (1.0, 0.5, 0.0)
    """
    return next((share for volts, share in _STAIRS if centivolts >= volts), 0.0)


def centivolts_of(charge: float) -> int:
    """Register 0x64 of a sensor with this charge: the lowest voltage of its step in the table."""
    return next((volts for volts, share in _STAIRS if charge >= share), 300)


def choose_file(name: str) -> bytes:
    """Command that asks for the size of a file and makes it the one to be read."""
    return b"\x55\xbb" + name.encode("ascii") + b"\r\n"


def fetch_piece(number: int) -> bytes:
    """Command that asks for a piece of the chosen file.

    Raises
    ------
    ValueError
        If the number does not fit 16 bits: no file is longer.

    Examples
    --------
    >>> fetch_piece(258).hex()
    '55ff0102'
    """
    if not 0 <= number < 2**16:
        raise ValueError(f"A file has at most 65536 pieces, found number {number}.")
    return _PIECE + number.to_bytes(2, "big")


def read_file_names(payload: bytes) -> list[str]:
    """Files that an answer to `LIST_FILES` names."""
    return [name.decode("ascii") for name in _FILE.findall(payload)]


def read_file_size(payload: bytes) -> tuple[str, int] | None:
    """Name and number of pieces that an answer to `choose_file` tells; None when it is no such answer."""
    found = _SIZE.search(payload)
    return (found[1].decode("ascii"), int(found[2])) if found else None
