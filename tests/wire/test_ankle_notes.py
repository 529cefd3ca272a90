"""The page for people who write firmware says what the code does: every table of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path

import pytest

from ankle_imu.wire import ankle_control as control
from ankle_imu.wire import ankle_log as log
from ankle_imu.wire import ankle_packets as packets
from ankle_imu.wire import ankle_state as state
from ankle_imu.wire.ankle_layout import Layout

PAGE = (Path(__file__).parents[2] / "firmware_notes" / "protocol.md").read_text("utf-8")
LAYOUTS = (
    state.INFO_LAYOUT,
    packets.SAMPLES_LAYOUT,
    packets.COMPACT_LAYOUT,
    packets.CLOCK_LAYOUT,
    control.TIME_REQUEST,
    control.TIME_ANSWER,
    state.STATUS_LAYOUT,
    log.PAGE_LAYOUT,
    log.PIECE_LAYOUT,
    log.PIECE_END_LAYOUT,
)


def rows_after(mark: str) -> list[list[str]]:
    """Cells of the first table after a line."""
    _, found, rest = PAGE.partition(mark + "\n")
    assert found, mark
    table = re.search(r"^\|.*?\n(?=\n|\Z)", rest, re.MULTILINE | re.DOTALL)
    assert table, mark
    lines = table.group().strip().splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def table_headed(*heads: str) -> list[list[str]]:
    """Cells of the table with this head."""
    line = "| " + " | ".join(heads) + " |"
    assert PAGE.count(line) == 1, line
    _, _, rest = PAGE.partition(line + "\n")
    lines = rest.partition("\n\n")[0].splitlines()[1:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in lines]


def fields(layout: Layout) -> str:
    return ", ".join(f"`{name}` {kind}" for name, kind in layout.types.items())


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_layout(layout: Layout) -> None:
    found = [row[:3] for row in rows_after(f"<!-- layout: {layout.name} -->")]
    assert found == [[str(layout.offsets[name]), f"`{name}`", kind] for name, kind in layout.types.items()]


def test_every_layout_on_the_page_is_checked() -> None:
    assert re.findall(r"<!-- layout: (.+?) -->", PAGE) == [layout.name for layout in LAYOUTS]


def test_sizes_that_the_text_promises() -> None:
    assert packets.SAMPLES_LAYOUT.size == 14
    assert packets.COMPACT_LAYOUT.size == packets.CLOCK_LAYOUT.size == state.STATUS_LEAST == 20
    assert log.PAGE_BYTES == 4096
    # the 20 bytes that fit an MTU of 23 end with a whole field
    assert 20 in state.STATUS_LAYOUT.offsets.values()
    answers = [3 + layout.size for layout in (*control.ANSWERS.values(), *control.ENDS.values())]
    requests = [2 + layout.size for layout in control.ARGUMENTS.values()]
    assert max(answers + requests) <= 20


def test_types() -> None:
    kinds = {
        "samples header": packets.SAMPLES,
        "compact packet": packets.COMPACT,
        "clock packet": packets.CLOCK,
        "log piece": log.PIECE,
        "log end": log.PIECE_END,
    }
    for name, kind in kinds.items():
        first = rows_after(f"<!-- layout: {name} -->")[0]
        assert first[1:] == ["`type`", "u8", f"0x{kind:02x}"]
    assert rows_after("<!-- layout: log page -->")[0][3] == f"`{log.MAGIC.to_bytes(4, 'little').decode()}`"


def test_characteristics() -> None:
    (service, name, _), *rest = table_headed("UUID", "name", "properties")
    assert (service, name) == (f"`{control.SERVICE}`", "service")
    found = {uuid.strip("`"): (name, {*properties.split(", ")}) for uuid, name, properties in rest}
    assert found == {uuid: (name, {*properties}) for uuid, (name, properties) in control.CHARACTERISTICS.items()}
    assert f"`{control.NAME_PREFIX}`" in PAGE


def test_requests_and_answers() -> None:
    found = {
        name: (int(op, 16), asked, told)
        for op, name, asked, told in table_headed("op", "request", "arguments", "values of the answer")
    }
    assert found == {
        op.name: (op.value, fields(control.ARGUMENTS[op]), fields(control.ANSWERS[op])) for op in control.Op
    }
    ends = dict(table_headed("end of", "values"))
    assert ends == {op.name: fields(layout) for op, layout in control.ENDS.items()}


@pytest.mark.parametrize(
    ("heads", "kind"),
    [
        (("outcome", "value", "when"), control.Outcome),
        (("feature", "value"), state.Feature),
        (("flag", "value", "some sample of the packet"), packets.Flag),
        (("state", "value"), state.State),
    ],
)
def test_named_values(heads: tuple[str, ...], kind: Iterable[IntEnum]) -> None:
    found = [(row[0], row[1]) for row in table_headed(*heads)]
    assert found == [(f"`{member.name}`", str(member.value)) for member in kind]


def test_masks() -> None:
    found = {row[0]: re.findall(r"\d+", row[1]) for row in table_headed("mask", "bit 0, 1, 2, ...")}
    known = (state.RATES_HZ, state.ACC_RANGES_G, state.GYR_RANGES_DPS)
    assert found == {
        name: [str(value) for value in values]
        for name, values in zip(("`rates`", "`acc_ranges`", "`gyr_ranges`"), known, strict=True)
    }


def test_load_of_the_radio_is_computed_right() -> None:
    for mtu, n, size, *per_second in table_headed(
        "MTU", "samples", "bytes", "at 104 Hz", "at 208 Hz", "at 416 Hz"
    ):
        is_compact = "compact" in mtu
        room = (int(mtu.split(",")[0]) - 3 - packets.SAMPLES_LAYOUT.size) // packets.SAMPLE_BYTES
        assert int(n) == (1 if is_compact else room)
        head = packets.COMPACT_LAYOUT.offsets["acc_x"] if is_compact else packets.SAMPLES_LAYOUT.size
        assert int(size) == head + packets.SAMPLE_BYTES * int(n)
        assert per_second == [f"{rate / int(n):.1f} /s" for rate in (104, 208, 416)]
