"""Getting to know sensors: which are here, of what kind, and who they are."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ankle_imu.capture.finder import Finder
from ankle_imu.devices import catalog
from ankle_imu.devices.adapter import Identity, Link, Radio, Sighting
from ankle_imu.errors import DeviceNotFound


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A sensor that was seen; `models` are the adapters that may fit, surest first, none for a stranger."""

    seen: Sighting
    models: tuple[str, ...] = ()

    def answers_to(self, ref: str) -> bool:
        """Whether `ref` is its address or its name."""
        return ref.casefold() in (self.seen.identifier.casefold(), self.seen.name.casefold())


async def look_around(radio: Radio, seconds: float, *, refs: Sequence[str] = ()) -> tuple[Candidate, ...]:
    """Scan, and name the adapters that fit; with `refs`, ends as soon as all of them were seen.

    Returns
    -------
    tuple of Candidate
        Known kinds first, then the strongest signal first.

    Raises
    ------
    BluetoothUnavailable
    """
    missing = {ref.casefold() for ref in refs}

    def is_enough(seen: Sighting) -> bool:
        missing.difference_update((seen.identifier.casefold(), seen.name.casefold()))
        return bool(refs) and not missing

    found = await radio.scan(seconds, is_enough=is_enough)
    candidates = [Candidate(seen=seen, models=tuple(catalog.match(seen))) for seen in found]
    return tuple(sorted(candidates, key=lambda c: (not c.models, -c.seen.rssi, c.seen.identifier)))


async def find(radio: Radio, ref: str, *, seconds: float, model: str = "") -> Candidate:
    """The sensor of that address or name.

    Raises
    ------
    DeviceNotFound
        If it was not seen, or no adapter fits it and `model` names none.
    BluetoothUnavailable
    """
    candidates = await look_around(radio, seconds, refs=[ref])
    if not any(c.answers_to(ref) for c in candidates) and await radio.release(ref):
        candidates = await look_around(radio, seconds, refs=[ref])
    found = next((c for c in candidates if c.answers_to(ref)), None)
    if found is None:
        known = ", ".join(f"{c.seen.name or '?'} ({c.seen.identifier})" for c in candidates if c.models)
        raise DeviceNotFound(
            f"{ref} was not seen in {seconds:g} s; sensors seen: {known or 'none'}. Wake it and come nearer.",
            identifier=ref,
        )
    if model:
        return Candidate(seen=found.seen, models=(model,))
    if not found.models:
        raise DeviceNotFound(
            f"{ref} is here, but no adapter knows its kind; name one with --model "
            f"({', '.join(catalog.models())}).",
            identifier=ref,
        )
    return found


@asynccontextmanager
async def visit(radio: Radio, identifier: str) -> AsyncIterator[Link]:
    """Find one sensor, connect, and close the link at the end of the block.

    Raises
    ------
    DeviceNotFound, ConnectionLost, BluetoothUnavailable
    """
    link = await Finder(radio).link_to(identifier)
    try:
        yield link
    finally:
        await link.close()


async def introduce(radio: Radio, candidate: Candidate) -> Identity:
    """Connect, ask who it is, and part again.

    Raises
    ------
    DeviceNotFound, ConnectionLost, ProtocolError, BluetoothUnavailable
    """
    async with visit(radio, candidate.seen.identifier) as link:
        return await catalog.adapter(candidate.models[0]).identify(link)
