"""Write the partition table of an 8 MB ESP32-S3 with room for the log: `python partitions.py OUT.bin`.

The format is published in Espressif's ESP-IDF Programming Guide, "Partition Tables": entries of 32 bytes that
begin with 0x50AA, then the MD5 of them all. Tested in simulation, not on hardware.
"""

import hashlib
import struct
import sys
from pathlib import Path

DATA, APP = 1, 0
TABLE = (
    ("nvs", DATA, 0x02, 0x9000, 0x6000),
    ("phy_init", DATA, 0x01, 0xF000, 0x1000),
    ("factory", APP, 0x00, 0x10000, 0x1F0000),
    ("vfs", DATA, 0x81, 0x200000, 0x100000),
    ("ankle", DATA, 0x40, 0x300000, 0x500000),
)
"""Name, type, subtype, offset, bytes. 0x81 is FAT, as MicroPython marks its files; 0x40 is free for own use."""
TABLE_BYTES = 0xC00
_ENTRY = "<HBBII16sI"
_MAGIC, _MD5_MAGIC = 0x50AA, b"\xeb\xeb" + b"\xff" * 14


def table() -> bytes:
    """The table as it stands in flash at 0x8000."""
    rows = [
        struct.pack(_ENTRY, _MAGIC, kind, subtype, offset, size, name.encode(), 0)
        for name, kind, subtype, offset, size in TABLE
    ]
    entries = b"".join(rows)
    whole = entries + _MD5_MAGIC + hashlib.md5(entries).digest()
    return whole + b"\xff" * (TABLE_BYTES - len(whole))


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(table())
