"""Puts virtual sensors on the air for BlueZ and runs a command meanwhile; needs /dev/vhci and bluetoothd.

    air.py --sensor ankle:left_foot --sensor ankle:left_shank --plan hill --at 2=5:gone:3 \
        --report truth.json -- ankle-imu record --duration 60

The sensors feel a simulated walk. Exit status: the command's. The report tells, for each sensor, every
notification that reached the host or was lost on the air, what happened to its link, and the sensor's own truth;
times are seconds since 1970.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # run as a program, the tests' folder is not on the path

from bluetooth_vm.bumble_radio import BluezAir, BumbleSensor
from bluetooth_vm.numbered import NumberedSensor
from device_sensor import DeviceSensor

from ankle_imu.simulate import named_plan, walk
from ankle_imu.simulate.sensors import mischief
from ankle_imu.simulate.sensors.mischief import Mischief, parse_mischief
from ankle_imu.simulate.sensors.movesense import MovesenseSensor
from ankle_imu.simulate.sensors.peripheral import Motion, Peripheral
from ankle_imu.simulate.sensors.witmotion import WitMotionSensor
from ankle_imu.values import ImuSeries

KINDS = ("ankle", "witmotion", "movesense", "numbered")


def options(arguments: list[str]) -> argparse.Namespace:
    head, _, table = (mischief.__doc__ or "").partition("\n\n")
    add = (
        parser := argparse.ArgumentParser(
            description=__doc__,
            epilog=f"{head}\n\n{table}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
    ).add_argument
    add("--sensor", action="append", metavar="KIND[:PLACEMENT]", help=f"a sensor; KIND of {', '.join(KINDS)}")
    add("--plan", default="default", help="the walk that they feel, a named plan or a TOML file")
    add("--seed", type=int, default=1, help="of the walk")
    add("--begin", type=float, default=0.0, help="seconds from the start of the command to that of the walk")
    add("--rate", type=float, default=100.0, help="frames a second of `numbered`; others are told their rate")
    add("--ppm", type=float, action="append", default=[], help="clock error, once for each sensor in turn")
    add("--mtu", type=int, default=247)
    add("--loss", type=float, default=0.0, help="share of notifications lost at random")
    add("--interval-ms", type=float, default=0.0, help="connection interval; 0: packets pass at once")
    add("--per-event", type=int, default=6, help="notifications that fit in one connection event")
    add(
        "--at",
        action="append",
        default=[],
        metavar="[N=]SECONDS:WHAT[:ARGUMENT]",
        help="mischief; N: sensor 1, 2 ..",
    )
    add("--report", type=Path, help="write what the sensors did to this JSON file")
    add("command", nargs="*")
    return parser.parse_args(arguments)


def schedule(texts: list[str], number: int) -> list[Mischief]:
    """Mischief of the sensor with this number, counted from 1.

    >>> schedule(["3:bye", "2=5:drop"], 1)
    [Mischief(at_s=3.0, what='bye', argument=0.0)]
    """
    found = []
    for text in texts:
        which, _, what = text.rpartition("=")
        if which in ("", str(number)):
            found.append(parse_mischief(what))
    return found


def make(kind: str, number: int, rate: float, ppm: float, motion: Motion | None) -> Peripheral:
    """A virtual sensor of this kind."""
    address = f"C0:00:00:00:00:{number:02X}"
    if kind == "numbered":
        return NumberedSensor(number, rate=rate)
    if motion is None:
        raise SystemExit(f"air.py: where is the {kind} worn? --sensor {kind}:left_foot")
    if kind == "ankle":
        return DeviceSensor(motion, address=address, seed=number, ppm=ppm)
    if kind == "witmotion":
        return WitMotionSensor(address, motion, ppm=ppm)
    if kind == "movesense":
        return MovesenseSensor(address, motion, serial=f"2145300026{number:02}", ppm=ppm)
    raise SystemExit(f"air.py: unknown sensor {kind!r}; expected {', '.join(KINDS)}")


def walked(placements: list[str], plan: str, seed: int) -> Mapping[str, ImuSeries]:
    """What each placement feels."""
    if not placements:
        return {}
    planned = replace(named_plan(plan), placements=tuple(placements), loss=0.0)
    recording, _ = walk(planned, seed=seed)
    return recording.series


def truth_of(sensor: Peripheral, now: float, since_1970: float) -> dict[str, Any]:
    """When the samples were made, as far as the kind of sensor tells."""
    if isinstance(sensor, DeviceSensor):
        boots = []
        for boot in sensor.boots:
            stops = [run.first for run in boot.runs[1:]] + [boot.made(now)]
            runs = [
                {
                    "first": r.first,
                    "stop": stop,
                    "begun": r.begun + since_1970,
                    "period": r.period,
                    "epoch": r.epoch,
                }
                for r, stop in zip(boot.runs, stops, strict=False)
            ]
            boots.append({"boot_id": boot.boot_id, "runs": runs})
        return {"boots": boots}
    if isinstance(sensor, WitMotionSensor | MovesenseSensor):
        return {"times": (sensor.truth + since_1970).tolist()}
    return {}


def told(air: BumbleSensor, kind: str, placement: str) -> dict[str, Any]:
    """The truth about one sensor."""
    since_1970 = time.time() - air.now()

    def packets(rows: list[tuple[float, str, bytes]]) -> list[tuple[float, str, str]]:
        return [(t + since_1970, uuid, payload.hex()) for t, uuid, payload in rows]

    return {
        "kind": kind,
        "placement": placement,
        "name": air.sensor.advert.name,
        "address": air.sensor.address,
        "log": [(t + since_1970, what) for t, what in air.log],
        "arrived": packets(air.arrived),
        "lost": packets(air.courier.lost),
        "truth": truth_of(air.sensor, air.now(), since_1970),
    }


async def main() -> int:
    args = options(sys.argv[1:])
    wanted = [(kind, placement) for kind, _, placement in (s.partition(":") for s in args.sensor or ["numbered"])]
    series = walked([p for _, p in wanted if p], args.plan, args.seed)
    async with BluezAir(interval=args.interval_ms / 1000, per_event=args.per_event) as air:
        start = asyncio.get_running_loop().time() + args.begin
        feel = {placement: Motion(felt, start) for placement, felt in series.items()}
        for number, (kind, placement) in enumerate(wanted, 1):
            ppm = args.ppm[number - 1] if number <= len(args.ppm) else 0.0
            sensor = make(kind, number, args.rate, ppm, feel.get(placement))
            await air.add(
                sensor, mtu=args.mtu, mischief=schedule(args.at, number), loss=args.loss, seed=args.seed + number
            )
        if args.command:
            status = await (await asyncio.create_subprocess_exec(*args.command)).wait()
        else:
            await asyncio.Event().wait()
    if args.report:
        rows = [told(sensor, *which) for sensor, which in zip(air.sensors, wanted, strict=True)]
        args.report.write_text(json.dumps(rows))
    return status


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
