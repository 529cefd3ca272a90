"""The version of the package, read from its installed metadata."""

from __future__ import annotations


def package_version() -> str:
    """Version of the installed distribution, `0+unknown` when run from a bare checkout."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ankle-imu")
    except PackageNotFoundError:
        return "0+unknown"
