"""Fixed little-endian records: which field stands where, in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from ankle_imu.errors import ProtocolError

_WIDTH: Final = {"u8": 1, "u16": 2, "u32": 4, "u48": 6, "u64": 8, "i16": 2}
_NUMPY: Final[Mapping[str, Any]] = {
    "u8": ("u1",),
    "u16": ("<u2",),
    "u32": ("<u4",),
    "u48": ("<u2", (3,)),
    "u64": ("<u8",),
    "i16": ("<i2",),
}


@dataclass(frozen=True)
class Layout:
    """A record of whole numbers.

    Parameters
    ----------
    name : str, what the record is, for messages
    types : mapping of field name to `u8` | `u16` | `u32` | `u48` | `u64` | `i16`, in order, without padding

    Examples
    --------
    >>> point = Layout("point", {"x": "u8", "y": "u16"})
    >>> point.pack(x=1, y=2).hex()
    '010200'
    >>> point.unpack(bytes.fromhex("010200"))
    {'x': 1, 'y': 2}
    """

    name: str
    types: Mapping[str, str]

    @cached_property
    def size(self) -> int:
        """Bytes."""
        return sum(_WIDTH[kind] for kind in self.types.values())

    @cached_property
    def offsets(self) -> dict[str, int]:
        """First byte of each field."""
        ends = np.cumsum([0, *(_WIDTH[kind] for kind in self.types.values())]).tolist()
        return dict(zip(self.types, ends, strict=False))

    @cached_property
    def dtype(self) -> np.dtype[Any]:
        """The same for numpy; a u48 is three u16, the lowest first."""
        return np.dtype([(name, *_NUMPY[kind]) for name, kind in self.types.items()])

    def pack(self, **values: int) -> bytes:
        """Bytes of these values.

        Raises
        ------
        ValueError
            If fields are missing or unknown, or a value does not fit its field.
        """
        if values.keys() != self.types.keys():
            raise ValueError(f"A {self.name} has the fields {[*self.types]}; found {[*values]}.")
        try:
            return b"".join(
                values[name].to_bytes(_WIDTH[kind], "little", signed=kind == "i16")
                for name, kind in self.types.items()
            )
        except OverflowError as error:
            raise ValueError(f"A value of this {self.name} does not fit: {values}.") from error

    def unpack(self, data: bytes) -> dict[str, int]:
        """Values in a record of exactly this size.

        Raises
        ------
        ProtocolError
            If the size is another.
        """
        if len(data) != self.size:
            raise ProtocolError(f"A {self.name} has {self.size} bytes, found {len(data)}.", payload=bytes(data))
        return self.unpack_prefix(data)

    def unpack_prefix(self, data: bytes) -> dict[str, int]:
        """Values of those fields that are whole in `data`, which may be cut short or go on with other things."""
        found, at = {}, 0
        for name, kind in self.types.items():
            piece = data[at : at + _WIDTH[kind]]
            if len(piece) < _WIDTH[kind]:
                break
            found[name] = int.from_bytes(piece, "little", signed=kind == "i16")
            at += _WIDTH[kind]
        return found
