"""Which library is meant."""

from __future__ import annotations

from pathlib import Path


def library_root(given: str | None) -> Path:
    """Folder of the library that is meant; a store is refused, since few commands can do with one."""
    from ankle_imu.cli.failures import UsageError
    from ankle_imu.library import default_library

    if store := store_of(given):
        raise UsageError(
            f"{store} is a store; `analyze`, `report -o`, `trend -o`, `library list` and `library show` can use "
            "it. For this command copy it into a folder."
        )
    return (Path(given).expanduser() if given else default_library()).absolute()


def reading_root(given: str | None) -> Path:
    """Folder to read the library from that is meant: of one in a store, a mirror of what is small there."""
    store = store_of(given)
    if not store:
        return library_root(given)
    from ankle_imu.library.remote import mirror

    return mirror(store)


def store_of(given: str | None) -> str:
    """URL of the library that is meant; "" when it is a folder."""
    from ankle_imu.library.config import store_url

    return store_url(given)
