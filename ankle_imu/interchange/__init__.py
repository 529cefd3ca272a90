"""Files of other makers, in and out: one module per format, `read` for all of them."""

from ankle_imu.interchange.catalog import FORMATS, read, recognise
from ankle_imu.interchange.imported import Imported

__all__ = ["FORMATS", "Imported", "read", "recognise"]
