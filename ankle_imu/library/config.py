"""Where the library is, and the alias that is used when none is named."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from ankle_imu.errors import RecordingError, StorageError

LIBRARY_VARIABLE: Final = "ANKLE_IMU_LIBRARY"
CONFIG_VARIABLE: Final = "ANKLE_IMU_CONFIG"
_APP: Final = "ankle_imu"


def default_library() -> Path:
    """Folder of the library: `ANKLE_IMU_LIBRARY` when set, else in the user's data folder. It need not exist."""
    given = os.environ.get(LIBRARY_VARIABLE)
    if given:
        return Path(given).expanduser()
    import platformdirs

    return platformdirs.user_data_path(_APP, appauthor=False) / "library"


def config_path() -> Path:
    """File of the settings of this user: in the folder `ANKLE_IMU_CONFIG`, else in the user's config folder."""
    given = os.environ.get(CONFIG_VARIABLE)
    if given:
        return Path(given).expanduser() / "config.toml"
    import platformdirs

    return platformdirs.user_config_path(_APP, appauthor=False) / "config.toml"


def new_alias() -> str:
    """A pseudonym: `P-` and four random letters."""
    from ankle_imu.manifest import random_letters

    return f"P-{random_letters()}"


def default_alias() -> str:
    """Alias of this user; the first call makes one and keeps it in the config.

    Raises
    ------
    RecordingError
        If the config cannot be understood.
    StorageError
        If the config cannot be read or written.
    """
    import tomllib

    from ankle_imu.durable import write_whole
    from ankle_imu.manifest import check_alias

    path = config_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except OSError as error:
        raise StorageError(f"{path} could not be read: {error.strerror or error}.", path=str(path)) from error
    try:
        known = tomllib.loads(text).get("alias", "")
        if known:
            return check_alias(str(known))
    except ValueError as error:
        raise RecordingError(f"{path} cannot be understood: {error}.", path=str(path)) from error
    alias = new_alias()
    write_whole(path, f'alias = "{alias}"\n{text}'.encode())
    return alias
