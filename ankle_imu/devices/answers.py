"""Question and answer over a connection whose answers come as notifications, some time later.

answers = Answers()
await link.subscribe(uuid, answers.take)      # or call `take` for what is no sample
reply = await answers.ask(link, question, lambda payload: payload[0] == 1, what="GET /Info")
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from ankle_imu.devices.adapter import Link
from ankle_imu.errors import ConnectionLost, ProtocolError

IsAnswer = Callable[[bytes], bool]

ANSWER_S: Final = 3.0
"""Longest wait for an answer (own choice: a hundred connection intervals of the slowest common kind)."""


class Answers:
    """Hands each notification to the first question that waits for its like."""

    def __init__(self) -> None:
        self._waiting: list[tuple[IsAnswer, asyncio.Future[bytes]]] = []

    def take(self, payload: bytes) -> bool:
        """Whether a question was waiting for this payload; called in the radio's callback."""
        for is_answer, answer in self._waiting:
            if not answer.done() and is_answer(payload):
                answer.set_result(payload)
                return True
        return False

    async def ask(
        self,
        link: Link,
        question: Callable[[], Awaitable[None]],
        is_answer: IsAnswer,
        *,
        what: str,
        seconds: float = ANSWER_S,
    ) -> bytes:
        """Ask, and wait for the answer.

        Parameters
        ----------
        link : Link
        question : called once the answer is awaited; writes the question
        is_answer : whether a payload is the answer; must not raise
        what : name of the question, for the error
        seconds : float, s, longest wait

        Returns
        -------
        bytes

        Raises
        ------
        ProtocolError
            No answer came in time, or the question was refused.
        ConnectionLost
        """
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        entry = (is_answer, answer)
        self._waiting.append(entry)
        lost = asyncio.ensure_future(link.wait_lost())
        ends: set[asyncio.Future[Any]] = {answer, lost}
        try:
            await question()
            await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if lost.done():
                raise ConnectionLost(
                    f"The connection to {link.identifier} is gone ({lost.result()}) before the answer to {what}.",
                    identifier=link.identifier,
                )
            raise ProtocolError(
                f"{link.identifier} did not answer {what} in {seconds:g} s; switch it off and on again.",
                identifier=link.identifier,
            )
        finally:
            self._waiting.remove(entry)
            lost.cancel()
