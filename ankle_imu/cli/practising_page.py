"""The live page of a routine, beside its recorder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from ankle_imu.cli import living

if TYPE_CHECKING:
    from ankle_imu.cli.practising_run import Asked
    from ankle_imu.live.practice_beside import PracticeBeside
    from ankle_imu.practice.coach import Coach

FASTEST: Final = 15.0
"""Two simulated sensors, recorder and coach take 5 % of a core in real time (own measure); a Pi is slower."""


def check_page(page: living.Page | None, speed: float, *, is_simulated: bool, is_waiting: bool) -> None:
    """See that a page, None for none, and a pace go together with what else is asked for.

    Raises
    ------
    ValueError
        If it does not go together with what else is asked for.
    """
    if not 0.1 <= speed <= FASTEST:
        raise ValueError(f"--speed must be 0.1 to {FASTEST:g}, found {speed:g}.")
    if speed != 1.0 and not (is_simulated and is_waiting):
        raise ValueError("--speed goes with --simulate, and without --fast.")
    if page is None:
        return
    if not is_waiting:
        raise ValueError(
            "--live shows what goes on: leave out --fast and --over; --speed 10 hurries a simulation."
        )
    living.check_installed()
    living.bind_of(page)


async def open_practice(
    page: living.Page, asked: Asked, coach: Coach, placements: Iterable[str]
) -> PracticeBeside:
    """Serve the page of a routine and say where it is."""
    from ankle_imu.live.practice import Practised, earlier_ranges
    from ankle_imu.live.practice_beside import PracticeBeside

    practised = Practised(
        placements=tuple(placements),
        steps=asked.steps,
        pain_stop=asked.pain_stop,
        speed=asked.speed,
        earlier=await asyncio.to_thread(earlier_ranges, asked.root, asked.info.alias, asked.knee),
    )
    beside = PracticeBeside(living.bind_of(page), practised, coach)
    try:
        opened = await beside.open()
    except BaseException:
        await beside.close()
        raise
    living.announce(page.host, opened.port, opened.code)
    return beside


@contextmanager
def summed_up(beside: PracticeBeside | None, saved: str) -> Iterator[list[str]]:
    """Lines that are put in here are what the page ends with; without a page they go nowhere."""
    lines: list[str] = []
    try:
        yield lines
    finally:
        if beside is not None:
            beside.sum_up(lines)
            asyncio.run(beside.close(saved))
