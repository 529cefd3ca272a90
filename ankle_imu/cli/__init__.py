"""The command line: parse, call the library, print, exit code."""

from ankle_imu.cli.entry import main, run

__all__ = ["main", "run"]
