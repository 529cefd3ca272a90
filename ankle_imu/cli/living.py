"""The live page: beside a recording with `record --live`, and for a recorded walk with `live SESSION`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ankle_imu.cli import failures, sessions
from ankle_imu.cli.arguments import AsJson, Library, Session, library_root
from ankle_imu.cli.output import say, show_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ankle_imu.capture import Captured
    from ankle_imu.live import Beside
    from ankle_imu.live.serving import Bind
    from ankle_imu.live.walk import Worn

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

    host: str = "127.0.0.1"
    port: int = 8765
    bell: bool = False


def live(
    ref: Session,
    /,
    *,
    speed: Annotated[float, Parameter(help="Seconds of the walk in a second.")] = 1.0,
    host: Host = "127.0.0.1",
    port: Port = 8765,
    bell: Bell = False,
    library: Library = None,
    as_json: AsJson = False,
) -> None:
    """Replay a recorded walk through the live page; Ctrl-C ends it.

    The page is the one of `record --live`; what is pressed on it is not kept. With --json the address of the page,
    and the code where one is asked, are printed as soon as it can be opened.
    """
    check_installed()
    from ankle_imu.live import replay_session
    from ankle_imu.live.address import page_url
    from ankle_imu.live.serving import listen
    from ankle_imu.session_io import open_session

    if not 0.05 <= speed <= 100.0:
        raise failures.UsageError(f"--speed must be 0.05 to 100, found {speed:g}.")
    bind = bind_of(Page(host=host, port=port))
    root = library_root(library)
    path = sessions.locate(root, ref)
    listening = listen(bind)
    recording = open_session(path)
    worn = worn_by(recording.series, root, recording.session.alias)

    def on_ready(port: int, code: str) -> None:
        if as_json:
            show_json({"session": path.name, "path": path, "url": page_url(bind.host, port), "code": code})
            sys.stdout.flush()
        else:
            announce(bind.host, port, code)

    async def work() -> None:
        over = asyncio.Event()
        with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C raises instead
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, over.set)
        await replay_session(
            recording,
            worn,
            bind,
            listening,
            speed=speed,
            on_ready=on_ready,
            on_cue=lambda leg: ring(bell),
            until=over,
        )

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work())


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

    from ankle_imu.errors import AnkleImuError
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
    from ankle_imu.library import save_review
    from ankle_imu.values import EventReview

    if captured.folder is None:
        return
    for seen in beside.verdicts.values():
        save_review(
            captured.folder,
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
