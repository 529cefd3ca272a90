"""The live page: beside a recording with `record --live`, attached to one, and for a recorded walk with `live`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, complete_sessions, library_root
from ankle_imu.cli.output import say, show_json
from ankle_imu.errors import AnkleImuError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ankle_imu.capture import Captured
    from ankle_imu.live import Beside
    from ankle_imu.live.serving import Bind
    from ankle_imu.live.walk import Worn

LOCAL: Final = "127.0.0.1"
PORT: Final = 8765
"""Where a page is served unless it is said."""

OptionalSession = Annotated[
    str, Parameter(name="SESSION", show_default=False, help="Folder, id or `last`.", completer=complete_sessions)
]
Host = Annotated[
    str,
    Parameter(name="--host", help="Address to serve the live page at; beyond 127.0.0.1 a code is asked."),
]
Port = Annotated[int, Parameter(name="--port", help="Port of the live page; 0: any free one.")]
Bell = Annotated[
    bool,
    Parameter(
        name="--bell", negative="", help="Ring the terminal's bell when your own limit of a roll is passed."
    ),
]


@dataclass(frozen=True, kw_only=True)
class Page:
    """What was asked for of a live page."""

    host: str = LOCAL
    port: int = PORT
    bell: bool = False


def live(
    ref: OptionalSession = "",
    /,
    *,
    attach: Annotated[
        bool,
        Parameter(
            name="--attach",
            negative="",
            show_default=False,
            help="Show a recording that runs now: SESSION, or without it the one of the library that does.",
        ),
    ] = False,
    speed: Annotated[float, Parameter(help="Seconds of the walk in a second.")] = 1.0,
    host: Host = LOCAL,
    port: Port = PORT,
    bell: Bell = False,
    library: Library = None,
    as_json: AsJson = False,
) -> int:
    """Replay a recorded walk through the live page, or attach the page to a recording that runs; Ctrl-C ends it.

    The page is the one of `record --live`; what is pressed while a walk is replayed is not kept. With --attach it
    shows a recording begun without --live, or by the hill recorder, half a second late; marks go into that
    recording, which does not notice it otherwise and goes on when the page ends. Several may be attached, each at
    a --port of its own. With --json the address of the page, and the code where one is asked, are printed as soon
    as it can be opened.
    """
    check_installed()
    if not 0.05 <= speed <= 100.0:
        raise failures.UsageError(f"--speed must be 0.05 to 100, found {speed:g}.")
    if attach and speed != 1.0:
        raise failures.UsageError("--attach shows a recording while it is made; leave out --speed.")
    if not attach and not ref:
        raise failures.UsageError("Give a SESSION to replay, or --attach to show the recording that runs now.")
    bind = bind_of(Page(host=host, port=port))
    root = library_root(library)
    if attach:
        return _attach(running_session(root, ref), root, Page(host=host, port=port, bell=bell), as_json)
    _replay(sessions.locate(root, ref), root, bind, speed, bell, as_json)
    return 0


def running_session(root: Path, ref: str) -> Path:
    """The session that is being recorded: the one named, else the only one of the library that is.

    Raises
    ------
    NothingRuns
        If none is, or several are and none was named.
    """
    from ankle_imu.recording import is_being_recorded
    from ankle_imu.recording.lock import NAME

    if ref:
        folder = sessions.locate(root, ref)
        if not is_being_recorded(folder):
            raise NothingRuns(f"{folder.name} is not being recorded now; `ankle-imu live {ref}` replays it.")
        return folder
    locks = sorted(root.glob(f"people/*/*/*/{NAME}"))
    running = [lock.parent.resolve() for lock in locks if is_being_recorded(lock.parent)]
    if not running:
        raise NothingRuns(
            f"No recording runs in {root}; begin one with `ankle-imu record`, or walk and the hill recorder does."
        )
    if len(running) > 1:
        raise NothingRuns(
            f"{len(running)} recordings run in {root}; name one: {', '.join(p.name for p in running)}."
        )
    return running[0]


class NothingRuns(AnkleImuError):
    """There is no recording to attach a page to, or it is not clear which."""

    exit_code = 2


def _attach(folder: Path, root: Path, page: Page, as_json: bool) -> int:
    from ankle_imu.live import attach_page
    from ankle_imu.live.serving import listen
    from ankle_imu.recording import read_session_info

    bind = bind_of(page)
    listening = listen(bind)
    alias = read_session_info(folder).alias

    async def work() -> str:
        return await attach_page(
            folder,
            lambda placements: worn_by(placements, root, alias),
            bind,
            listening,
            on_ready=partial(_say_where, folder, bind, as_json),
            on_cue=lambda leg: ring(page.bell),
            on_verdict=partial(keep_verdict, folder),
            until=_ended_by_ctrl_c(),
        )

    how = "left"
    with contextlib.suppress(KeyboardInterrupt):
        how = asyncio.run(work())
    if how == "saved":
        say(f"The recording has ended; it is saved as {folder.name}.")
    elif how == "cut off":
        say(f"The recorder is gone without ending {folder.name}; `ankle-imu repair {folder.name}` closes it.")
        return 5
    elif not as_json:
        say(f"The page is closed; {folder.name} goes on.")
    return 0


def _replay(path: Path, root: Path, bind: Bind, speed: float, bell: bool, as_json: bool) -> None:
    from ankle_imu.live import replay_session
    from ankle_imu.live.serving import listen
    from ankle_imu.session_io import open_session

    listening = listen(bind)
    recording = open_session(path)
    worn = worn_by(recording.series, root, recording.session.alias)

    async def work() -> None:
        await replay_session(
            recording,
            worn,
            bind,
            listening,
            speed=speed,
            on_ready=partial(_say_where, path, bind, as_json),
            on_cue=lambda leg: ring(bell),
            until=_ended_by_ctrl_c(),
        )

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work())


def _say_where(path: Path, bind: Bind, as_json: bool, port: int, code: str) -> None:
    from ankle_imu.live.address import page_url

    if as_json:
        show_json({"session": path.name, "path": path, "url": page_url(bind.host, port), "code": code})
        sys.stdout.flush()
    else:
        announce(bind.host, port, code)


def _ended_by_ctrl_c() -> asyncio.Event:
    over = asyncio.Event()
    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises instead
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, over.set)
    return over


def check_installed() -> None:
    """Refuse where the packages of the live page are missing."""
    from ankle_imu.live.install import missing_packages

    if missing := missing_packages():
        raise failures.UsageError(missing)


def bind_of(page: Page) -> Bind:
    """Where to listen."""
    from ankle_imu.live.serving import Bind

    if not 0 <= page.port <= 65535:
        raise failures.UsageError(f"--port must be 0 to 65535, found {page.port}.")
    if not page.host.strip():
        raise failures.UsageError("--host is empty; give an address of this computer, or 0.0.0.0 for all of them.")
    return Bind(host=page.host, port=page.port)


def worn_by(placements: Iterable[str], root: Path, alias: str) -> Worn:
    """What is worn, with the person's own limits and what is usual for him or her, as far as known."""
    from datetime import UTC, datetime

    from ankle_imu.library import own_settings, session_folder
    from ankle_imu.live.usual import usual_ranges
    from ankle_imu.live.walk import Worn
    from ankle_imu.settings import Settings

    settings = Settings()
    if alias:
        with contextlib.suppress(AnkleImuError, ValueError):
            settings = own_settings(session_folder(root, alias, datetime.now(UTC)))
    return Worn(placements=tuple(placements), settings=settings, usual=usual_ranges(root, alias))


def open_page(page: Page, placements: Iterable[str], root: Path, alias: str) -> Beside:
    """Start the server of a page beside a recorder."""
    from ankle_imu.live import Beside

    worn = worn_by(placements, root, alias)
    return Beside(bind_of(page), worn, on_cue=(lambda leg: ring(True)) if page.bell else None)


def keep_verdicts(beside: Beside, captured: Captured) -> None:
    """Keep what was said of rolls as answers of `events review`; the analysis finds them by their time."""
    if captured.folder is not None:
        for seen in beside.verdicts.values():
            keep_verdict(captured.folder, seen)


def keep_verdict(folder: Path, seen: Mapping[str, Any]) -> None:
    """Keep what was said of one roll."""
    from ankle_imu.library import save_review
    from ankle_imu.values import EventReview

    save_review(
        folder,
        EventReview(
            leg=seen["leg"],
            time_s=seen["time_s"],
            verdict=seen["verdict"],
            kind=seen["kind"],
            peak_deg=seen["peak_deg"],
            peak_dps=seen["peak_dps"],
            angle_source=seen["source"],
        ),
    )


def announce(host: str, port: int, code: str) -> None:
    """Say where the page is, and show a phone the way there."""
    from ankle_imu.live.address import page_url, qr_lines

    say(f"Live page: {page_url(host, port)}")
    if code:
        say(f"Code: {code[:3]} {code[3:]}")
        if sys.stderr.isatty():
            print(qr_lines(page_url(host, port, code)), file=sys.stderr)
        say("The page is not encrypted: show it in a network you trust.")


def ring(is_wanted: bool) -> None:
    """Ring the terminal's bell."""
    if is_wanted:
        print("\a", end="", file=sys.stderr, flush=True)
