"""Files of other makers, in and out: one module per format, `read` for all of them."""

from ankle_imu.interchange.assembly import NotTold
from ankle_imu.interchange.catalog import FORMATS, options_of, read, recognise
from ankle_imu.interchange.imported import Imported
from ankle_imu.interchange.one_clock import join_parts

__all__ = ["FORMATS", "Imported", "NotTold", "join_parts", "options_of", "read", "recognise"]
