"""Requests to an Ankle IMU and their answers, one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from ankle_imu.devices.adapter import Link
from ankle_imu.devices.answers import ANSWER_S, Answers, IsAnswer
from ankle_imu.errors import ProtocolError
from ankle_imu.wire.ankle_control import CONTROL, Answer, Op, Outcome, decode_answer, encode_request


class RequestFailed(ProtocolError):
    """The sensor answered a request with another outcome than OK."""

    def __init__(self, identifier: str, op: Op, outcome: int) -> None:
        known = next((known.name for known in Outcome if known == outcome), f"0x{outcome:02x}")
        super().__init__(f"{identifier} refused {op.name}: {known}.", identifier=identifier)
        self.outcome = outcome


class Talk:
    """Requests over whatever link is the present one.

    Parameters
    ----------
    hear : called in the radio's callback with each indication of Control, before whoever asked goes on

    Attributes
    ----------
    ref : int, reference of the last request
    """

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        self.ref = 0
        self._hear = hear
        self._answers = Answers()
        self._turn = asyncio.Lock()
        self._link: Link | None = None

    async def listen(self, link: Link) -> None:
        """Have answers come through this link.

        Raises
        ------
        ConnectionLost, ProtocolError
        """
        if self._link is not link:
            await link.subscribe(CONTROL, self._take)
            self._link = link

    async def ask(self, link: Link, op: Op, **values: int) -> Mapping[str, int]:
        """Ask and have the answer's values.

        Raises
        ------
        ProtocolError
            No answer in time, or the sensor refuses (`RequestFailed`).
        ConnectionLost
        """
        await self.listen(link)
        async with self._turn:
            return await self._request(link, op, **values)

    async def ask_to_end(
        self,
        link: Link,
        op: Op,
        is_end: Callable[[bytes, int], bool],
        *,
        end_of: Answers | None = None,
        seconds: float = ANSWER_S,
        **values: int,
    ) -> tuple[Mapping[str, int], bytes]:
        """Ask, have the answer's values, and wait for the end of what the request set going.

        Parameters
        ----------
        link, op, values : as for `ask`
        is_end : whether a payload is the end of the request with this reference
        end_of : Answers through which the end comes, when not through Control
        seconds : float, s, longest wait for the end after the answer

        Returns
        -------
        values, end

        Raises
        ------
        ProtocolError
            No answer or no end in time, or the sensor refuses (`RequestFailed`).
        ConnectionLost
        """
        await self.listen(link)
        answered: list[Mapping[str, int]] = []

        async def ask() -> None:
            answered.append(await self._request(link, op, **values))

        async with self._turn:
            ref = (self.ref + 1) % 256
            end = await (end_of or self._answers).ask(
                link, ask, lambda payload: is_end(payload, ref), what=f"{op.name} to its end", seconds=seconds
            )
        return answered[0], end

    async def _request(self, link: Link, op: Op, **values: int) -> Mapping[str, int]:
        ref = self.ref = (self.ref + 1) % 256
        payload = encode_request(op, ref, **values)
        is_answer: IsAnswer = lambda reply: reply[:2] == bytes((op | 0x80, ref))  # noqa: E731
        told = await self._answers.ask(link, lambda: link.write(CONTROL, payload), is_answer, what=op.name)
        answer: Answer = decode_answer(told)
        if answer.outcome != Outcome.OK:
            raise RequestFailed(link.identifier, op, answer.outcome)
        return answer.values

    def _take(self, payload: bytes) -> None:
        self._hear(payload)
        self._answers.take(payload)
