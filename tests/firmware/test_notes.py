"""The notes on building a sensor say what the code does: every table of them that the code can know."""

from __future__ import annotations

import ast
import hashlib
import re
import runpy
import struct
from pathlib import Path
from typing import Any

import device_sensor
import pytest
from firmware.test_device import compiled

from ankle_imu import selfcheck

NOTES = device_sensor.FIRMWARE
DEVICE = NOTES / "device"

from device import lsm6, lsm6ds3trc, lsm6dsox, wire  # noqa: E402
from device.ringlog import FIRST_SLOT  # noqa: E402

PAGES = sorted(NOTES.glob("*.md"))
SIMULATED = "tested in simulation, not on hardware"


def table(page: str, mark: str) -> list[list[str]]:
    """Cells below the head of the table that is marked so."""
    _, found, rest = (NOTES / page).read_text("utf-8").partition(f"<!-- table: {mark} -->\n")
    assert found, mark
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def constants(module: str) -> dict[str, Any]:
    """Top-level constants of a module that only a board can import."""
    found: dict[str, Any] = {}
    for node in ast.parse((DEVICE / f"{module}.py").read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(target := node.targets[0], ast.Name | ast.Tuple):
            names = [target.id] if isinstance(target, ast.Name) else [n.id for n in target.elts]  # type: ignore[attr-defined]
            value = eval(compile(ast.Expression(node.value), module, "eval"), {})
            found.update(zip(names, value if len(names) > 1 else [value], strict=True))
    return found


@pytest.mark.parametrize("name", ["boards", "build_esp32s3", "build_xiao_sense", "imu", "time_sync"])
def test_pages_on_our_firmware_say_what_it_was_proven_with(name: str) -> None:
    assert SIMULATED in (NOTES / f"{name}.md").read_text("utf-8")


def test_readme_names_every_page_and_every_page_exists() -> None:
    readme = (NOTES / "README.md").read_text("utf-8")
    assert SIMULATED in re.sub(r"[*\s]+", " ", readme)
    for page in PAGES:
        for named in re.findall(r"`((?:firmware_notes|tests|ankle_imu)/[^`\s]+)`", page.read_text("utf-8")):
            assert (NOTES.parent / named).exists(), f"{page.name}: {named}"
        assert page.name == "README.md" or f"firmware_notes/{page.name}" in readme, page.name


def test_conformance_names_tests_that_exist() -> None:
    named = set(re.findall(r"`((?:test|check)_\w+)`", (NOTES / "conformance.md").read_text("utf-8")))
    tests = NOTES.parent / "tests"
    text = "".join(
        (tests / name).read_text("utf-8") for name in ("simulate/test_ankle_sensor.py", "firmware/checks.py")
    )
    assert named
    assert [name for name in named if f"def {name}(" not in text] == []


def test_registers() -> None:
    rows = table("imu.md", "registers")
    assert len(rows) >= 14
    for name, address, *_ in rows:
        assert getattr(lsm6, name.strip("`")) == int(address, 16), name
    written = {name.strip("`"): cell for name, _, cell, _ in rows}
    assert written["CTRL10_C"] == f"0x{lsm6.TIMESTAMP_EN:02X}"
    assert written["CTRL3_C"] == f"0x{lsm6.SW_RESET:02X}, then 0x{lsm6.BDU_IF_INC:02X}"
    assert written["CTRL6_C"].startswith(f"0x{lsm6.XL_LOW_POWER:02X}")
    assert written["TIMESTAMP2"] == f"0x{lsm6.RESET_TIMESTAMP:02X}"
    assert written["WAKE_UP_THS"] == f"0x{lsm6.WAKE_THS:02X}"
    assert written["WAKE_UP_DUR"].startswith(f"0x{lsm6ds3trc.TIMER_HR:02X}")
    assert written["MD1_CFG"] == f"0x{lsm6.INT1_WU:02X}"
    assert written["TAP_CFG"] == f"0x{lsm6.INTERRUPTS_ENABLE:02X}"
    assert rows[0][3] == f"LSM6DSOX 0x{lsm6dsox.Lsm6dsox.chip:02X}, LSM6DS3TR-C 0x{lsm6ds3trc.Lsm6ds3trc.chip:02X}"


def test_fifo() -> None:
    rows = {name: cells for name, *cells in table("imu.md", "fifo")}
    mode = lsm6dsox.DEC_TS_1 | lsm6dsox.CONTINUOUS
    sox = f"0x{lsm6dsox.FIFO_CTRL3:02X} rates, 0x{lsm6dsox.FIFO_CTRL4:02X} 0x{mode:02X}"
    trc = (
        f"0x{lsm6ds3trc.FIFO_CTRL2:02X} 0x{lsm6ds3trc.STAMP_TO_FIFO:02X}, "
        f"0x{lsm6ds3trc.FIFO_CTRL3:02X} 0x{lsm6ds3trc.EVERY_XL_G:02X}, "
        f"0x{lsm6ds3trc.FIFO_CTRL4:02X} 0x{lsm6ds3trc.EVERY_DS4:02X}, "
        f"0x{lsm6ds3trc.FIFO_CTRL5:02X} rate x 8 + {lsm6ds3trc.CONTINUOUS}"
    )
    assert rows["switched on"] == [sox, trc]
    assert rows["read at"] == [f"0x{lsm6dsox.FIFO_DATA_OUT_TAG:02X}", f"0x{lsm6ds3trc.FIFO_DATA_OUT:02X}"]
    holds = (512 // lsm6dsox.SLOT, 4096 // lsm6ds3trc.SAMPLE)
    assert rows["holds, computed"] == [f"{n} samples, {n / 208:.2f} s at 208 Hz" for n in holds]


def test_ranges() -> None:
    rows = table("imu.md", "ranges")
    rates = {int(rate): int(code) for code, rate, *_ in rows}
    assert rates == {rate: lsm6.ODR[rate] for rate in lsm6.Lsm6.rates}
    assert {int(r[2].split()[0]): int(r[3]) for r in rows if r[2]} == lsm6.ACC_FS
    assert {int(r[4].split()[0]): int(r[5], 16) for r in rows} == lsm6.GYR_FS
    names = [int(row[4].partition("(")[2].strip(")")) for row in rows]
    assert tuple(names) == lsm6.Lsm6.gyr_ranges
    scales = [round(mdps * 32768 / 1000) for mdps in (4.375, 8.75, 17.5, 35, 70)]
    assert list(lsm6.Lsm6.gyr_scales) == list(lsm6.GYR_FS) == scales


def samples_of_a_page() -> int:
    """As the core fills it: a clock, records of 19, a shorter one."""
    room = wire.PAGE_BYTES - wire.PAGE_HEAD - 1 - wire.CLOCK_BYTES
    whole, rest = divmod(room, 1 + wire.HEAD_BYTES + 19 * wire.SAMPLE_BYTES)
    return 19 * whole + (rest - 1 - wire.HEAD_BYTES) // wire.SAMPLE_BYTES


def test_budget(tmp_path: Path) -> None:
    rows = {name: cells for name, *cells in table("boards.md", "budget")}
    assert f"a page of the log holds {samples_of_a_page()} samples" in (NOTES / "boards.md").read_text("utf-8")
    sizes = compiled(tmp_path)
    others = {"radio_mp", "radio_cp", "main_esp32s3", "main_xiao_sense", "lsm6dsox", "lsm6ds3trc", "ringlog"}
    shared = sum(size for name, size in sizes.items() if name not in others)
    kinds = (
        ("main_esp32s3", shared + sum(sizes[n] for n in ("radio_mp", "main_esp32s3", "lsm6dsox", "ringlog"))),
        (
            "main_xiao_sense",
            shared + sum(sizes[n] for n in ("radio_cp", "main_xiao_sense", "lsm6ds3trc", "ringlog")),
        ),
    )
    log_bytes = runpy.run_path(str(NOTES / "partitions.py"))["TABLE"][-1][4]
    for column, (main, code) in enumerate(kinds):
        told = {name: cells[column] for name, cells in rows.items()}
        ring = constants(main)["RING_SAMPLES"]
        slots = log_bytes // wire.PAGE_BYTES if main == "main_esp32s3" else 0
        pages = max(0, slots - FIRST_SLOT)
        limit = int(told["compiled modules (mpy-cross), at most"].split()[0]) * 1000
        assert limit - 1500 < code <= limit, code
        assert told["ring in RAM"] == f"{16 * ring} bytes"
        assert told["replay from RAM reaches back at 208 Hz"] == f"{ring / 208:.0f} s"
        tables = 2 * wire.PAGE_BYTES + 7 * slots if slots else 0
        assert told["the log's buffers and tables in RAM"] == f"{tables} bytes"
        assert told["log in flash"] == f"{pages * wire.PAGE_BYTES} bytes"
        for rate in (104, 208, 416):
            minutes = pages * samples_of_a_page() / rate / 60
            assert told[f"log at {rate} Hz"] == f"{minutes:.0f} min"


def test_pins() -> None:
    known = constants("main_esp32s3")
    for *_, gpio, name in table("build_esp32s3.md", "pins"):
        assert not name or known[name.strip("`")] == int(gpio)
    source = (DEVICE / "main_xiao_sense.py").read_text("utf-8")
    for _, names, *_ in table("build_xiao_sense.md", "pins"):
        for name in re.findall(r"`(\w+)`", names):
            assert f"pins.{name}" in source


def test_partitions() -> None:
    made = runpy.run_path(str(NOTES / "partitions.py"))
    told = [
        (name.strip("`"), int(offset, 16), int(size, 16))
        for name, offset, size, _ in table("build_esp32s3.md", "partitions")
    ]
    assert told == [(name, offset, size) for name, _, _, offset, size in made["TABLE"]]
    assert [at + size for _, at, size in told] == [*(at for _, at, _ in told[1:]), 8 * 2**20]
    assert constants("main_esp32s3")["PARTITION"] == told[-1][0]
    data = made["table"]()
    assert len(data) == 0xC00
    rows = [struct.unpack_from("<HBBII16sI", data, 32 * k) for k in range(len(told))]
    assert [(row[5].rstrip(b"\0").decode(), row[3], row[4]) for row in rows] == told
    assert all(row[0] == 0x50AA and row[3] % 0x1000 == 0 for row in rows)
    end = 32 * len(told)
    assert data[end : end + 2] == b"\xeb\xeb"
    assert data[end + 16 : end + 32] == hashlib.md5(data[:end]).digest()


def test_template_of_the_bench_report_is_what_selfcheck_prints() -> None:
    page = (NOTES / "bench_report.md").read_text("utf-8")
    for name in selfcheck.BY_HAND:
        assert f"    - {name}: (fill in)\n" in page


def test_drawing_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "drawings.py"
    copy.write_bytes((NOTES / "drawings.py").read_bytes())
    runpy.run_path(str(copy), run_name="__main__")
    assert (tmp_path / "placement.png").stat().st_size > 10_000
    assert (NOTES / "placement.png").stat().st_size < 100_000
