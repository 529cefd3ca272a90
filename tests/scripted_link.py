"""A connection whose other end is a function of the test: it keeps all that was done, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from ankle_imu.errors import ConnectionLost, ProtocolError

Answer = Callable[[str, bytes], Iterable[tuple[str, bytes]]]


class ScriptedLink:
    """See `devices.adapter.Link`.

    Parameters
    ----------
    values : characteristic -> what reading it gives; its keys and `others` are the characteristics there are
    answer : from characteristic and written bytes to the notifications that follow
    others : characteristics that cannot be read
    """

    def __init__(
        self, values: Mapping[str, bytes], answer: Answer, *, others: Iterable[str] = (), mtu: int = 247
    ) -> None:
        self.identifier = "C0:00:00:00:00:03"
        self.mtu = mtu
        self.values = dict(values)
        self.done: list[tuple[str, str, bytes]] = []
        self._answer = answer
        self._uuids = {*values, *others}
        self._receivers: dict[str, Callable[[bytes], None]] = {}
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def written(self, uuid: str) -> list[str]:
        """All that was written to a characteristic, in hexadecimal."""
        return [data.hex() for what, where, data in self.done if what == "write" and where == uuid]

    def lose(self) -> None:
        """The connection is gone."""
        if not self._lost.done():
            self._lost.set_result("too far away")

    def notify(self, uuid: str, payload: bytes) -> None:
        """Say something unasked."""
        if uuid in self._receivers and not self._lost.done():
            self._receivers[uuid](payload)

    def has(self, uuid: str) -> bool:
        return uuid in self._uuids

    async def read(self, uuid: str) -> bytes:
        await self._reach("read", uuid, b"")
        if uuid not in self.values:
            raise ProtocolError(f"{uuid} cannot be read.", identifier=self.identifier)
        return self.values[uuid]

    async def write(self, uuid: str, data: bytes, *, response: bool = True) -> None:
        await self._reach("write", uuid, data)
        for k, (where, payload) in enumerate(self._answer(uuid, data)):
            asyncio.get_running_loop().call_later(0.01 + 1e-3 * k, self.notify, where, payload)

    async def subscribe(self, uuid: str, receive: Callable[[bytes], None]) -> None:
        await self._reach("subscribe", uuid, b"")
        self._receivers[uuid] = receive

    async def unsubscribe(self, uuid: str) -> None:
        await self._reach("unsubscribe", uuid, b"")
        self._receivers.pop(uuid, None)

    async def wait_lost(self) -> str:
        return await asyncio.shield(self._lost)

    async def close(self) -> None:
        self.lose()

    async def _reach(self, what: str, uuid: str, data: bytes) -> None:
        await asyncio.sleep(0.005)
        if self._lost.done():
            raise ConnectionLost("The connection is gone.", identifier=self.identifier)
        if uuid not in self._uuids:
            raise ProtocolError(f"There is no {uuid}.", identifier=self.identifier)
        self.done.append((what, uuid, data))
