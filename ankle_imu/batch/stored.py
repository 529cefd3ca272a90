"""A job on a session in an object store: fetched into a temporary folder, analyzed, its result brought back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ankle_imu.errors import CorruptRecording
from ankle_imu.library import find_result, is_up_to_date, load_result, own_settings
from ankle_imu.library.remote import is_small, open_store, sources_in

if TYPE_CHECKING:
    from ankle_imu.library.remote import Store
    from ankle_imu.library.sources import Source
    from ankle_imu.values import SessionResult

Analyze = Callable[[Path], tuple["SessionResult", Path]]


def analyze_stored(
    url: str, session: str, analyze: Analyze, *, again: bool, is_told: bool
) -> tuple[SessionResult | None, str, bool]:
    """Analyze a session of a store, unless its result is up to date.

    Parameters
    ----------
    url : str, the library
    session : str, path of the session below it
    analyze : function that analyzes a session folder and saves its result there
    again : bool, analyze it even where its result is up to date
    is_told : bool, a result that is up to date is wanted, too

    Returns
    -------
    result : SessionResult, None where it was up to date and not wanted
    saved : str, URL of the result
    is_up_to_date : bool
    """
    store = open_store(url)
    files = {**store.listing(session), **store.listing("sensors")}
    person = f"{Path(session).parents[1].as_posix()}/person.toml"
    files.update((n, one) for n, one in store.listing(person).items() if n == person)
    with tempfile.TemporaryDirectory(prefix="ankle_imu-") as name:
        folder = Path(name, session)
        (Path(name) / "sensors").mkdir()
        folder.mkdir(parents=True)
        store.fetch({n: one for n, one in files.items() if is_small(n)}, Path(name))
        own_settings(folder)
        found = None if again else _found(folder, sources_in(files, session))
        if found is not None:
            saved = f"{session}/{found.relative_to(folder).as_posix()}"
            result = _result(store, files, saved, Path(name)) if is_told else None
            if result is not None or not is_told:
                return result, f"{store.url}/{saved}", True
        store.fetch({n: one for n, one in files.items() if n.startswith(f"{session}/raw/")}, Path(name))
        made, target = analyze(folder)
        saved = f"{session}/{target.relative_to(folder).as_posix()}"
        store.put_result(target, saved)
        return made, f"{store.url}/{saved}", False


def _found(folder: Path, files: dict[str, Source]) -> Path | None:
    """The result that is up to date, judged by the listing of the store: raw data stay there."""
    try:
        return find_result(folder) if is_up_to_date(folder, files) else None
    except CorruptRecording:
        return None


def _result(store: Store, files: dict[str, Source], saved: str, root: Path) -> SessionResult | None:
    """A result that is up to date; None where its tables are damaged."""
    store.fetch({n: one for n, one in files.items() if n.startswith(f"{saved}/")}, root)
    try:
        return load_result((root / saved).parents[1])
    except CorruptRecording:
        return None
