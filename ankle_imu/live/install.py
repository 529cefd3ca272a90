"""Whether the packages of the live page are there."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

PACKAGES: Final = ("starlette", "uvicorn", "websockets", "segno")


def missing_packages() -> str:
    """One sentence on what is missing and how to install it; "" when nothing is."""
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if not missing:
        return ""
    return (
        f"The live page needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed; "
        "run: pip install 'ankle-imu[live]'"
    )
