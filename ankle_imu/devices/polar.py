"""Polar Verity Sense: acceleration and angular rate as two PMD streams, in SDK mode.

Outside SDK mode there is 52 Hz and 8 g only; a sensor that refuses SDK mode is taken as it is. The two streams
carry the time of one clock, and `wire` pairs them by it. A Polar H10 measures no angular rate and is refused.

From documents and other people's captures only, not proven on hardware of ours. Offline recordings lie behind a
file protocol of their own (PFTP) and are not fetched; `wire.polar.split_recording` reads their files. See
`firmware_notes/polar.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from ankle_imu.devices import gatt
from ankle_imu.devices.adapter import Deliver, Identity, Link, Sighting, Stream, Wish
from ankle_imu.devices.answers import Answers
from ankle_imu.devices.wishes import nearest_rate, sufficient_range
from ankle_imu.errors import ProtocolError
from ankle_imu.wire import polar as wire
from ankle_imu.wire import polar_commands as pmd

SERVICE: Final = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL: Final = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA: Final = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

_NAMES: Final = {wire.ACC: "acceleration", wire.GYR: "angular rate", pmd.SDK_MODE: "SDK mode"}
_MEASUREMENTS: Final = (wire.ACC, wire.GYR)

Choice = Mapping[int, list[int | float]]


def match(seen: Sighting) -> int:
    """How surely this is one: by its name `Polar Sense <id>`; other Polar sensors are less to the purpose."""
    if seen.name.startswith("Polar Sense"):
        return 95
    if SERVICE in seen.service_uuids:
        return 85
    return 40 if seen.name.startswith("Polar ") else 0


class PolarAdapter:
    """One Verity Sense, see `devices.adapter.Adapter`."""

    model = "polar"

    def __init__(self) -> None:
        self._answers = Answers()
        self._link: Link | None = None
        self._deliver: Deliver | None = None
        self._begun = b""

    async def identify(self, link: Link) -> Identity:
        """Device information and charge."""
        return await gatt.read_identity(link)

    async def start(self, link: Link, wish: Wish, deliver: Deliver) -> Stream:
        """Enter SDK mode, choose settings from those it lists, start both measurements."""
        await self._listen(link)
        features = pmd.read_features(await link.read(CONTROL))
        for measurement in _MEASUREMENTS:
            if measurement not in features:
                raise ProtocolError(
                    f"{link.identifier} has no {_NAMES[measurement]} (measurements {sorted(features)}); "
                    "a Verity Sense has.",
                    identifier=link.identifier,
                )
        for measurement in _MEASUREMENTS:  # what an earlier connection may have left running
            await self._ask(link, pmd.STOP, measurement)
        has_sdk_mode = pmd.SDK_MODE in features and await self._enter_sdk_mode(link)
        chosen = {
            measurement: _choose(await self._offers(link, measurement, has_sdk_mode), measurement, wish)
            for measurement in _MEASUREMENTS
        }
        await link.subscribe(DATA, lambda payload: deliver("packet", payload))
        self._deliver = deliver
        factors = {m: await self._start(link, m, settings) for m, settings in chosen.items()}
        config = {
            "acc_factor": factors[wire.ACC],
            "gyr_factor": factors[wire.GYR],
            "nominal_rate_hz": float(chosen[wire.ACC].get(pmd.RATE, 52)),
            "gyr_rate_hz": float(chosen[wire.GYR].get(pmd.RATE, 52)),
        }
        for measurement, name in ((wire.ACC, "acc_range_g"), (wire.GYR, "gyr_range_dps")):
            if pmd.RANGE in chosen[measurement]:
                config[name] = float(chosen[measurement][pmd.RANGE])
        return Stream(protocol="polar", config=config)

    async def stop(self, link: Link) -> None:
        """Stop both measurements and leave SDK mode."""
        if self._link is link:
            for measurement in (*_MEASUREMENTS, pmd.SDK_MODE):
                with suppress(ProtocolError):
                    await self._ask(link, pmd.STOP, measurement)
            await link.unsubscribe(DATA)
            await link.unsubscribe(CONTROL)
        self._link = self._deliver = None

    async def battery(self, link: Link) -> float:
        """Charge by the battery service."""
        return await gatt.read_battery(link)

    async def _listen(self, link: Link) -> None:
        if self._link is not link:
            self._deliver, self._begun = None, b""
            await link.subscribe(CONTROL, self._receive)
            self._link = link

    def _receive(self, payload: bytes) -> None:
        """Put an answer together that came in parts; hand on what nobody asked for."""
        if self._begun:
            whole = self._begun + payload[1:]
            has_more = payload[:1] != b"\0"
        else:
            whole = payload
            answer = pmd.read_answer(payload)
            has_more = answer is not None and answer.has_more
        self._begun = whole if has_more else b""
        if not has_more:
            self._hear(whole)

    def _hear(self, payload: bytes) -> None:
        if not self._answers.take(payload) and self._deliver is not None:
            self._deliver("status", payload)

    async def _ask(self, link: Link, command: int, measurement: int, content: bytes | None = None) -> pmd.Answer:
        """Whole answer to a request, whatever its status."""
        question = pmd.request(command, measurement) if content is None else content
        what = f"request {command} for {_NAMES[measurement]}"
        payload = await self._answers.ask(
            link,
            lambda: link.write(CONTROL, question),
            lambda told: told[:3] == bytes((pmd.ANSWER, command, measurement)),
            what=what,
        )
        answer = pmd.read_answer(payload)
        if answer is None:
            raise ProtocolError(
                f"{link.identifier} cut its answer to {what} short ({payload.hex()}).",
                payload=payload,
                identifier=link.identifier,
            )
        return answer

    async def _enter_sdk_mode(self, link: Link) -> bool:
        status = (await self._ask(link, pmd.START, pmd.SDK_MODE)).status
        return status in (pmd.SUCCESS, pmd.ALREADY)

    async def _offers(self, link: Link, measurement: int, has_sdk_mode: bool) -> Choice:
        """Settings to choose from."""
        command = pmd.GET_SDK_SETTINGS if has_sdk_mode else pmd.GET_SETTINGS
        answer = await self._ask(link, command, measurement)
        if has_sdk_mode and answer.status != pmd.SUCCESS:
            answer = await self._ask(link, pmd.GET_SETTINGS, measurement)
        self._check(link, answer)
        return self._read_settings(link, answer)

    async def _start(self, link: Link, measurement: int, settings: Mapping[int, int | float]) -> float:
        """Start a measurement; gives the factor of its numbers, 1 when none is told."""
        answer = await self._ask(link, pmd.START, measurement, pmd.start(measurement, settings))
        self._check(link, answer)
        factors = self._read_settings(link, answer).get(pmd.FACTOR, [1.0])
        return float(factors[0])

    def _check(self, link: Link, answer: pmd.Answer) -> None:
        if answer.status != pmd.SUCCESS:
            word = pmd.STATUS_WORDS.get(answer.status, "unknown status")
            raise ProtocolError(
                f"{link.identifier} refused request {answer.command} for {_NAMES[answer.measurement]} with status "
                f"{answer.status}: {word}.",
                identifier=link.identifier,
            )

    def _read_settings(self, link: Link, answer: pmd.Answer) -> Choice:
        try:
            return wire.read_settings(answer.settings)
        except ValueError as error:
            raise ProtocolError(
                f"{link.identifier} told unreadable settings: {error}",
                payload=answer.settings,
                identifier=link.identifier,
            ) from error


def _choose(offers: Choice, measurement: int, wish: Wish) -> dict[int, int | float]:
    """One value of each setting that is offered."""
    wanted_range = wish.acc_range_g if measurement == wire.ACC else wish.gyr_range_dps
    chosen: dict[int, int | float] = {}
    for key, values in offers.items():
        if key == pmd.RATE:
            chosen[key] = nearest_rate(values, wish.rate_hz)
        elif key == pmd.RANGE:
            chosen[key] = sufficient_range(values, wanted_range)
        elif key in (pmd.RESOLUTION, pmd.CHANNELS):
            chosen[key] = max(values)
    return chosen
