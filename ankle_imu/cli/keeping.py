"""`library verify`, `rm`, `backup`, `restore` and `name`: keep what was recorded, and only what you want kept."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from cyclopts import App, Parameter

from ankle_imu.cli import failures, paging, sessions
from ankle_imu.cli.arguments import AsJson, Library, Person, complete_aliases, complete_sessions, library_root
from ankle_imu.cli.output import Tell, progress, say, show, show_json, show_table

if TYPE_CHECKING:
    from ankle_imu.keeping import Backup, Doomed, Restored, SessionCheck

PASSPHRASE_VARIABLE: Final = "ANKLE_IMU_PASSPHRASE"
_DAMAGED: Final = 5
_REFUSED: Final = 7

Sessions = Annotated[
    tuple[str, ...], Parameter(name="SESSION", help="Folders, ids or `last`.", completer=complete_sessions)
]
Yes = Annotated[bool, Parameter(name="--yes", negative="", show_default=False, help="Do not ask.")]


def register(app: App) -> None:
    """Add these commands to `library`."""
    app.command(
        verify,
        usage="Usage: ankle-imu library verify [SESSION...] [OPTIONS]",
        help_epilogue="Example:  ankle-imu library verify",
    )
    app.command(
        rm,
        usage="Usage: ankle-imu library rm SESSION... [OPTIONS]",
        help_epilogue="Example:  ankle-imu library rm 2026-11-22T0900 --results",
    )
    app.command(
        backup, help_epilogue="Example:  ankle-imu library backup walks.tar.age --passphrase --positions trim"
    )
    app.command(restore, help_epilogue="Example:  ankle-imu library restore walks.tar.age --library new_library")
    app.command(name, help_epilogue="Example:  ankle-imu library name P-kqzt 'Ana'")


def verify(
    refs: Sessions = (),
    /,
    *,
    person: Person = "",
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Check that recordings are what they were when they were closed.

    Every raw file is read and compared with its sum in `raw/SHA256SUMS` (`sha256sum -c` reads it, too). A session
    without sums gets them now, and that is said. One that is being recorded is not touched. Tells also of what was
    never finished. Exit code 5 when something is damaged.
    """
    from ankle_imu.keeping import check_session, leftovers
    from ankle_imu.keeping.verify import tree_size

    root = library_root(library)
    folders = _folders(root, refs, person)
    with progress("checking") as tell:
        count = _counting(tell, "checking", sum(tree_size(folder / "raw") for folder in folders))
        checks = [check_session(folder, count) for folder in folders]
    left = leftovers(root)
    if as_json:
        show_json(
            {"library": root, "sessions": [_told(c) for c in checks], "leftovers": [asdict(i) for i in left]}
        )
    else:
        _show_checks(checks)
        for item in left:
            say(f"{item.path} ({size_in_words(item.bytes)}): {item.what}.")
    return _DAMAGED if any(check.state == "damaged" for check in checks) else 0


def rm(
    refs: Sessions = (),
    /,
    *,
    person: Annotated[
        str,
        Parameter(
            name="--person",
            show_default=False,
            help="Remove this person, all sessions and `person.toml`.",
            completer=complete_aliases,
        ),
    ] = "",
    results: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Remove only what was calculated; the recording stays."),
    ] = False,
    yes: Yes = False,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Remove sessions, or a person, for good.

    Shows what goes and asks: for sessions type `yes`, for a person the alias. Without a terminal it needs `--yes`.
    A session that is being recorded is never removed, nor a person in whose folder others keep files. Backups and
    copies elsewhere are not touched.
    """
    from ankle_imu.keeping import doomed, remove_person, remove_results, remove_session
    from ankle_imu.keeping.removal import sessions_of_person
    from ankle_imu.library import save_name

    if bool(refs) == bool(person):
        raise failures.UsageError("Give either SESSION... or --person ALIAS.")
    root = library_root(library)
    folders = _folders(root, refs, person)
    if person and not folders and not (root / "people" / person).is_dir():
        raise failures.UsageError(f"There is no person {person!r} in the library at {root}.")
    is_whole_person = bool(person) and not results
    if is_whole_person:
        sessions_of_person(root, person)
    items = [doomed(folder) for folder in folders]
    sessions.refuse_recorded(folders)
    if not as_json:
        _show_doomed(items, results)
    _ask(person if is_whole_person else "yes", yes)
    if is_whole_person:
        remove_person(root, person)
        save_name(person, "")
    else:
        for folder in folders:
            (remove_results if results else remove_session)(folder)
    if as_json:
        show_json(
            {"library": root, "removed": [asdict(i) for i in items], "person": person, "results_only": results}
        )
    else:
        what = f"{'Results of ' if results else ''}{_plural(len(items), 'session')} removed"
        say(f"{what}, and all else of {person} in people/." if is_whole_person else f"{what}.")
        if not results and (root / paging.NAME).exists():
            say(f"{root / paging.NAME} still lists what it did; `ankle-imu library page` makes it anew.")
    return 0


def backup(
    file: Annotated[Path, Parameter(name="FILE", help="File to write.")],
    /,
    *,
    person: Person = "",
    positions: Annotated[
        Literal["keep", "trim", "none"],
        Parameter(help="Tracks as they are, without the surroundings of both ends, or none at all."),
    ] = "keep",
    trim_m: Annotated[float, Parameter(name="--trim", help="How much `trim` hides round each end, m.")] = 200.0,
    recipient: Annotated[
        tuple[str, ...],
        Parameter(
            negative="", show_default=False, help="Encrypt for this age (or SSH) public key; may be repeated."
        ),
    ] = (),
    passphrase: Annotated[
        bool,
        Parameter(
            negative="",
            show_default=False,
            help=f"Encrypt under a passphrase: asked for, or ${PASSPHRASE_VARIABLE}.",
        ),
    ] = False,
    results: Annotated[
        bool, Parameter(negative="", show_default=False, help="With results and reports; else these are left out.")
    ] = False,
    with_names: Annotated[
        bool, Parameter(negative="", show_default=False, help="With the names behind the aliases.")
    ] = False,
    replace: Annotated[
        bool, Parameter(negative="", show_default=False, help="Replace FILE if it is there already.")
    ] = False,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Pack the library into one file (tar, with a list of sums), encrypted with age if you want.

    Positions: `trim` cuts what lies within some 200 m (at least 150 m) of the first and the last point of each
    track, in a circle that is fixed per place and whose middle is not the door. Trimmed tracks become GPX. With
    `trim` and `none`, files that may show places (originals of imports, reports) are left out and named. Slope and
    speed stay. The recording itself still tells pace and turns.

    Encryption needs `pip install 'ankle-imu[age]'`. A passphrase takes about 1 GB of memory for a moment, here and
    when restoring; a key (`--recipient`) does not. Exit code 5 when something could not be packed or was damaged
    already.
    """
    from ankle_imu.keeping import write_backup
    from ankle_imu.keeping.backup import backup_size
    from ankle_imu.keeping.contents import Wish
    from ankle_imu.keeping.sealing import check_installed
    from ankle_imu.library import place_key

    root, file = library_root(library), file.expanduser().absolute()
    if file.exists() and not replace:
        raise failures.UsageError(f"{file} is there already; give another name, or --replace.")
    if recipient and passphrase:
        raise failures.UsageError("Give either --recipient or --passphrase.")
    if not trim_m > 0:
        raise failures.UsageError(f"--trim is {trim_m:g} m; expected more than 0.")
    if recipient or passphrase:
        check_installed()
    key = place_key() if positions == "trim" else b""
    wish = Wish(positions=positions, results=results, trim_m=trim_m, key=key)
    secret = _new_passphrase() if passphrase else ""
    with progress("packing") as tell, failures.user_input():
        done = write_backup(
            root,
            file,
            alias=person,
            wish=wish,
            with_names=with_names,
            recipients=recipient,
            passphrase=secret,
            read=_counting(tell, "packing", backup_size(root, person, wish)),
        )
    is_encrypted = bool(recipient or passphrase)
    if as_json:
        content = {k: v for k, v in asdict(done).items() if k != "path"}
        show_json({"library": root, "files": [file], "encrypted": is_encrypted, "positions": positions, **content})
    else:
        _show_backup(done, is_encrypted, positions)
    return _DAMAGED if done.problems else 0


def restore(
    file: Annotated[Path, Parameter(name="FILE", help="Backup to read.")],
    /,
    *,
    identity: Annotated[
        tuple[Path, ...],
        Parameter(negative="", show_default=False, help="File with an age key or an SSH key; may be repeated."),
    ] = (),
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Bring a backup into a library, new or not; nothing is ever overwritten.

    A session gets its name only when all its files have the sums that the backup lists. One that is there gets
    back what it lacks: track, answers, note. What differs, or is damaged, goes to `set-aside/` in the library, and
    is named. Of a backup that is cut off or damaged, everything that is whole comes back. Exit code 5 when
    something was damaged or lost, 7 when something differs from what the library has.
    """
    from ankle_imu.keeping import restore_backup
    from ankle_imu.keeping.sealing import read_identity

    root, file = library_root(library), file.expanduser()
    keys = tuple(read_identity(path.expanduser()) for path in identity)
    with progress("restoring") as tell:
        count = _counting(tell, "restoring", file.stat().st_size if file.is_file() else 0)
        done = restore_backup(file, root, identities=keys, ask=_old_passphrase, read=count)
    if as_json:
        show_json({"library": root, **asdict(done)})
    else:
        _show_restored(done, root)
    return _DAMAGED if done.damaged else _REFUSED if done.refused else 0


def name(
    alias: Annotated[
        str,
        Parameter(
            name="ALIAS", help="Alias of a person; without one, all are listed.", completer=complete_aliases
        ),
    ] = "",
    to: Annotated[str, Parameter(name="NAME", help="The name to keep; without one, it is shown.")] = "",
    /,
    *,
    remove: Annotated[bool, Parameter(negative="", show_default=False, help="Forget the name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Keep the name behind an alias, apart from the library, in a file only you can read.

    Names are shown in the terminal only: never in reports, and in backups only with `--with-names`.
    """
    from ankle_imu.library import load_names, names_path, open_to_others, save_name

    if (remove and to) or ((remove or to) and not alias):
        raise failures.UsageError("Give ALIAS NAME to keep a name, or ALIAS --remove to forget it.")
    mode = open_to_others(names_path())
    if mode:
        say(f"{names_path()} was readable for others (permissions {mode}); now it is yours only.")
        names_path().chmod(0o600)
    if to or remove:
        with failures.user_input():
            path = save_name(alias, to)
        if not as_json:
            show(path if to else f"The name of {alias} is forgotten.")
            return
    names = {a: n for a, n in load_names().items() if not alias or a == alias}
    if as_json:
        show_json({"path": names_path(), "names": names})
    elif names:
        for one, known in sorted(names.items()):
            show(known if alias else f"{one}  {known}")
    else:
        say(f"{alias} has no name here." if alias else "No names are kept here.")


def _folders(root: Path, refs: Sequence[str], person: str) -> list[Path]:
    """Folders of the sessions that are meant; all of the library, or of a person, without any."""
    from ankle_imu.errors import RecordingError
    from ankle_imu.library import list_sessions
    from ankle_imu.manifest import check_alias

    if refs:
        found = [*dict.fromkeys(sessions.locate(root, ref) for ref in refs)]
        for path in found:
            if not path.is_dir():
                raise RecordingError(f"{path} is a single file, not a session folder.", path=str(path))
        return found
    with failures.user_input():
        return [entry.path for entry in list_sessions(root, check_alias(person) if person else None)]


def _ask(word: str, yes: bool) -> None:
    """Go on only when the word was typed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise failures.UsageError("Nothing was removed: nobody can be asked here. Give --yes to do it unasked.")
    say(f"Type {word} to remove this for good, anything else to keep it:")
    if sys.stdin.readline().strip() != word:
        raise failures.UsageError("Nothing was removed.")


def _new_passphrase() -> str:
    given = os.environ.get(PASSPHRASE_VARIABLE, "")
    if given:
        return given
    first = _hidden("Passphrase for the backup: ")
    if not first or _hidden("The same once more: ") != first:
        raise failures.UsageError("The two passphrases differ, or are empty; nothing was written.")
    return first


def _old_passphrase() -> str:
    return os.environ.get(PASSPHRASE_VARIABLE, "") or _hidden("Passphrase of the backup: ")


def _hidden(question: str) -> str:
    import getpass

    if not sys.stdin.isatty():
        raise failures.UsageError(f"Nobody can be asked for a passphrase here; set ${PASSPHRASE_VARIABLE}.")
    return getpass.getpass(question)


def _counting(tell: Tell, stage: str, total: int) -> Callable[[int], None]:
    """Turn bytes done into a share of all bytes."""
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        tell(stage, min(1.0, done / total) if total else 1.0)

    return count


def _told(check: SessionCheck) -> dict[str, Any]:
    return {"session": check.path.name, **asdict(check)}


def _show_checks(checks: Sequence[SessionCheck]) -> None:
    odd = [check for check in checks if check.state != "ok" or check.extra]
    if odd:
        show_table(("Session", "State", "Files", "Found"), [_check_row(c) for c in odd], right=("Files",))
    whole = sum(check.state == "ok" for check in checks)
    size = size_in_words(sum(check.bytes for check in checks))
    show(f"{whole} of {_plural(len(checks), 'session')} as when they were closed; {size} read.")
    if any(check.state == "no sums" for check in checks):
        say("Sessions without sums have them now; from the next time on they are checked against these.")
    damaged = next((check for check in checks if check.state == "damaged"), None)
    if damaged:
        say(
            "Bring damaged files back from a backup (ankle-imu library restore puts a session that differs into "
            f"set-aside/, copy them from there), or make the most of them: ankle-imu repair {damaged.path.name}"
        )


def _check_row(check: SessionCheck) -> list[str]:
    words = [
        f"{', '.join(names)} {what}"
        for names, what in ((check.changed, "changed"), (check.missing, "missing"), (check.extra, "without a sum"))
        if names
    ]
    state = "no sums yet, made now" if check.state == "no sums" else check.state
    return [check.path.name, state, str(check.files), "; ".join((*words, *check.problems))]


def _show_doomed(items: Sequence[Doomed], results: bool) -> None:
    from ankle_imu.library import display_name

    rows = [
        [
            item.path.name,
            display_name(item.path.parents[1].name),
            f"{item.duration_s / 60.0:.1f}" if item.duration_s == item.duration_s else "–",
            "stays" if results else size_in_words(item.raw_bytes),
            "–" if not item.has_track else "stays" if results else "yes",
            f"{item.results} ({size_in_words(item.result_bytes)})" if item.results else "–",
        ]
        for item in items
    ]
    head = ("Session", "Person", "Minutes", "Raw", "Track", "Results")
    show_table(head, rows, right=("Minutes", "Raw"))


def _show_backup(done: Backup, is_encrypted: bool, positions: str) -> None:
    show(done.path)
    told = {"keep": "with all positions", "trim": "tracks without the surroundings of their ends"}
    locked = "encrypted" if is_encrypted else "not encrypted"
    say(
        f"{_plural(len(done.sessions), 'session')}, {size_in_words(done.path.stat().st_size)}, {locked}, "
        f"{told.get(positions, 'no positions')}."
    )
    for sentence in (*done.omitted, *done.problems):
        say(sentence)


def _show_restored(done: Restored, root: Path) -> None:
    for session in done.restored:
        show(session)
    say(
        f"{_plural(len(done.restored), 'session')} restored to {root}"
        + (f", {len(done.completed)} completed" if done.completed else "")
        + (f", {len(done.skipped)} skipped as all of them is there already" if done.skipped else "")
        + (f", {_plural(len(done.files), 'other file')}" if done.files else "")
        + (", names too" if done.is_names else "")
        + "."
    )
    for sentence in (*done.completed, *done.refused, *done.damaged):
        say(sentence)
    if done.set_aside:
        say(f"Set aside: {done.set_aside}")


def _plural(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def size_in_words(n: int) -> str:
    """Bytes as a person reads them."""
    return f"{n / 1e9:.2f} GB" if n >= 1e9 else f"{n / 1e6:.1f} MB" if n >= 1e5 else f"{n / 1e3:.1f} kB"
