"""The live page at 4 sensors x 208 Hz: from a packet's arrival to its picture, and what the server costs.

Run as a script: `python tests/benchmarks/bench_live.py [seconds [warm]]`. Three runs of the same walk in real
time, each as long: the recorder alone; the recorder with the server beside it and one page open in Chromium; a
bare page that is sent the same messages by a bare socket and draws one line of text. Prints delays from the
arrival of a packet (bare: from the sending of the message) to the frame in which it was drawn, the time to the
first drawing, and processor time; asserts only that all was received and kept. Without Chromium only processor
time is measured, with no page open. The first `warm` seconds, 3 in which modules are loaded, do not count. In
the first minute of a walk the alignments are tried again and again; with a `warm` of 75 that is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import http
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from bench_recorder import CONFIG, HEADER, PACKET_S, PER_PACKET, RATE, PlainAdapter, Transport

import ankle_imu as ai
from ankle_imu.capture import Order, Recorder, Wanted
from ankle_imu.frames import PLACEMENTS
from ankle_imu.live import Beside
from ankle_imu.live.serving import Bind
from ankle_imu.live.walk import LiveWalk, Packet, Worn
from ankle_imu.recording import part_paths, read_log
from ankle_imu.streaming import LiveAnalysis
from ankle_imu.values import SessionInfo
from ankle_imu.wire import ankle

WARM_S = 2.0
BARE = """<!doctype html><canvas id=c width=340 height=170></canvas><script>
const delays = [], c = document.getElementById("c").getContext("2d");
let stamp = null;
const s = new WebSocket(`ws://${location.host}/socket`);
s.onmessage = (e) => { stamp = JSON.parse(e.data).w; };
const frame = () => {
  if (stamp !== null) {
    c.clearRect(0, 0, 340, 170); c.fillText(String(stamp), 10, 50);
    delays.push(performance.timeOrigin + performance.now() - 1000 * stamp);
    window.firstDrawn ??= performance.now(); stamp = null;
  }
  requestAnimationFrame(frame);
};
frame();
</script>"""


class WalkTransport(Transport):
    """Sends a walk, each sensor its own."""

    def __init__(self, seconds: float, walk: ai.Recording) -> None:
        super().__init__(seconds)
        self.walk = {}
        for placement in PLACEMENTS:
            series = walk.series[placement]
            encoded = ankle.encode(series.time, series.acc, series.gyr, acc_range_g=16, gyr_range_dps=2000)
            self.walk[placement] = [payload for _, payload in encoded]

    def packets(self, sensor: int) -> Iterator[bytes]:
        for k, body in enumerate(self.walk[PLACEMENTS[sensor]][: self.n]):
            yield (
                HEADER.pack(0x10, 0, k % 65536, k * PER_PACKET, round(k * PACKET_S * 1e6), PER_PACKET, 0)
                + body[14:]
            )


def seconds_of(pid: int) -> float:
    """Processor time of a process so far; NaN where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(connection: Any, waits: list[float]) -> Any:
    """The recorder's end of the line, which notes how long each packet waited for the next message."""

    class Timed:
        def send(self, items: list[Any]) -> None:
            now = time.time()
            waits.extend(1e3 * (now - rest[0].stamp) for kind, *rest in items if kind == "packet")
            connection.send(items)

        def __getattr__(self, name: str) -> Any:
            return getattr(connection, name)

    return Timed()


async def record(
    transport: WalkTransport, root: Path, beside: Beside | None, warm_s: float = WARM_S
) -> dict[str, Any]:
    sensors = {Wanted(identifier=p, placement=p, model="ankle"): PlainAdapter() for p in PLACEMENTS}
    order = Order(sensors=sensors, root=root, info=SessionInfo(alias="bench"))
    told: dict[str, Any] = {"waits": []}
    if beside is not None:
        beside._ours = timed(beside._ours, told["waits"])
    opened = await beside.open() if beside is not None else None
    recorder = Recorder(transport, order, beside.show if beside else lambda s: None, listener=beside)
    if beside is not None:
        beside.serve(recorder)
    page = Page(f"http://127.0.0.1:{opened.port}/") if opened is not None else None
    if page is not None:
        await page.launch()
    running = asyncio.ensure_future(recorder.run())
    while len(transport.receivers) < len(PLACEMENTS):
        await asyncio.sleep(0.01)
    playing = asyncio.ensure_future(transport.play())
    await asyncio.sleep(warm_s - 1.0)
    if page is not None:
        await page.open()
    await asyncio.sleep(1.0)
    pid = beside._process.pid or 0 if beside is not None else 0
    start, own, theirs = time.perf_counter(), time.process_time(), seconds_of(pid)
    await playing
    span = time.perf_counter() - start
    told["own"], told["server"] = (time.process_time() - own) / span, (seconds_of(pid) - theirs) / span
    if page is not None:
        told["cues"] = await page.ask("ankleImuLive.cues")
        told |= await page.close("ankleImuLive.delays", "ankleImuLive.firstDrawn")
    recorder.stop("duration")
    captured = await running
    if beside is not None:
        await beside.close()
    assert captured.folder is not None
    kept = sum(len(s.packets) for s in read_log(part_paths(captured.folder)).streams)
    assert kept == len(PLACEMENTS) * transport.n, (kept, transport.n)
    return told


def messages_of(transport: WalkTransport) -> tuple[list[str], float]:
    """The messages that the live page gets, for the bare page, and the processor time of making them, s/s."""
    messages: list[str] = []
    walk = LiveWalk(
        Worn(placements=PLACEMENTS), lambda m: messages.append(json.dumps(m)) if m["k"] == "a" else None
    )
    for placement in PLACEMENTS:
        walk.begin(placement, "ankle", CONFIG)
    start = time.process_time()
    for k, payloads in enumerate(zip(*(transport.packets(i) for i in range(len(PLACEMENTS))), strict=True)):
        for placement, payload in zip(PLACEMENTS, payloads, strict=True):
            walk.take_packets([Packet(placement=placement, time_s=k * PACKET_S, stamp=0.0, payload=payload)])
    return messages, (time.process_time() - start) / (transport.n * PACKET_S)


class Page:
    """A page in Chromium at the size of a phone, or nothing where there is none."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.program = next(
            filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
        )

    async def launch(self) -> None:
        if self.program is None:
            return
        from playwright.async_api import async_playwright

        self._driver = await async_playwright().start()
        options = {"executable_path": self.program, "args": ["--no-sandbox", "--disable-dev-shm-usage"]}
        self._browser = await self._driver.chromium.launch(**options)
        self.page = await self._browser.new_page(viewport={"width": 412, "height": 915})

    async def open(self) -> None:
        if self.program is not None:
            await self.page.goto(self.url)

    async def ask(self, what: str) -> Any:
        return await self.page.evaluate(what) if self.program is not None else []

    async def close(self, delays: str, first: str) -> dict[str, Any]:
        if self.program is None:
            return {}
        told = {"delays": await self.page.evaluate(delays), "first": await self.page.evaluate(first)}
        await self._browser.close()
        await self._driver.stop()
        return told


async def echo(messages: list[str], seconds: float) -> dict[str, Any]:
    """The same messages at the same pace through a bare socket to a bare page."""
    from websockets.asyncio.server import serve
    from websockets.datastructures import Headers
    from websockets.exceptions import ConnectionClosed
    from websockets.http11 import Response

    async def send(socket: Any) -> None:
        with contextlib.suppress(ConnectionClosed):
            for message in messages:
                await asyncio.sleep(seconds / len(messages))
                await socket.send(json.dumps({**json.loads(message), "w": time.time()}))

    def give(connection: Any, request: Any) -> Response | None:
        if request.path == "/socket":
            return None
        return Response(http.HTTPStatus.OK, "OK", Headers({"Content-Type": "text/html"}), BARE.encode())

    async with serve(send, "127.0.0.1", 0, process_request=give, compression=None) as server:
        page = Page(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        await page.launch()
        await page.open()
        await asyncio.sleep(seconds)
        return await page.close("delays", "window.firstDrawn")


def estimator_s(walk: ai.Recording, seconds: float) -> float:
    """Processor time of the streaming estimator alone on the same samples."""
    twin = LiveAnalysis(sampling_rate=RATE, placements=PLACEMENTS, foot_apart=False)
    start = time.process_time()
    for at in range(0, round(seconds * RATE), PER_PACKET):
        for placement in PLACEMENTS:
            series, part = walk.series[placement], slice(at, at + PER_PACKET)
            twin.push(placement, series.time[part], series.acc[part], series.gyr[part])
    return time.process_time() - start


def main(seconds: float, warm_s: float) -> None:
    plan = ai.simulate.Plan(
        duration_s=max(seconds + 4.0, 10.0),
        sampling_rate=RATE,
        placements=PLACEMENTS,
        errors="typical",
        movements=False,
    )
    walk, _ = ai.simulate.walk(plan, seed=3)
    messages, made = messages_of(WalkTransport(seconds, walk))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        alone = asyncio.run(record(WalkTransport(seconds, walk), root / "alone", None, warm_s))
        beside = Beside(Bind(port=0), Worn(placements=PLACEMENTS))
        live = asyncio.run(record(WalkTransport(seconds, walk), root / "live", beside, warm_s))
    print(f"4 sensors x {RATE:g} Hz, {seconds:g} s of real time each, one page open")
    if "delays" in live:
        show_delays(asyncio.run(echo(messages, seconds)), live)
    twin = 1e3 * estimator_s(walk, seconds) / seconds
    print(
        f"  processor time, ms per s: recorder alone {1e3 * alone['own']:.1f}; with the page "
        f"{1e3 * live['own']:.1f} (the browser's driver included) and the server's process "
        f"{1e3 * live['server']:.1f}, of which in a tight loop the estimator takes {twin:.1f}, all that makes the "
        f"messages {1e3 * made:.1f}"
    )
    print(f"  server / recorder alone: {live['server'] / alone['own']:.1f} x (target 1.5)")


def show_delays(bare: dict[str, Any], live: dict[str, Any]) -> None:
    figures = {}
    for name, told in (("bare page", bare), ("live page", live)):
        kept = np.array(told["delays"])[10:]
        figures[name] = np.array([*np.percentile(kept, [50, 99]), told["first"]])
        print(
            f"  {name}: {figures[name][0]:5.1f} ms to drawn (median), {figures[name][1]:5.1f} ms (99 %), "
            f"{len(kept)} frames; first drawing {told['first']:.0f} ms after the page began to load"
        )
    waits = np.array(live["waits"])
    print(
        f"  before it is sent on, a packet waits for others {waits.mean():.1f} ms (mean), "
        f"{np.percentile(waits, 99):.1f} ms (99 %); the delays above are those of the last to come"
    )
    ratio = figures["live page"] / figures["bare page"]
    print(f"  live / bare: {ratio[0]:.2f} x, {ratio[1]:.2f} x at 99 %, first drawing {ratio[2]:.2f} x (target 2)")


if __name__ == "__main__":
    words = [float(word) for word in sys.argv[1:]]
    main(*([4.5, WARM_S], [*words, WARM_S], words)[min(len(words), 2)])
