"""Flash log of our own protocol: pages there and back, torn, flipped and cut; pieces on their way."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.simulate.sensors.ankle_flash import FlashLog
from ankle_imu.simulate.sensors.ankle_sampler import Sampler
from ankle_imu.simulate.sensors.peripheral import Motion
from ankle_imu.values import ImuSeries
from ankle_imu.wire.ankle_control import Config
from ankle_imu.wire.ankle_log import (
    PAGE_BYTES,
    PIECE_END,
    PIECE_END_LAYOUT,
    PIECE_LAYOUT,
    RECORD_ROOM,
    PageHead,
    decode_log,
    encode_page,
    encode_pieces,
)
from ankle_imu.wire.ankle_packets import Flag, peek

HEAD = PageHead(
    log_id=3,
    page=0,
    boot_id=0xDEADBEEF,
    epoch=2,
    config=Config(rate_hz=208, acc_range_g=16, gyr_range_dps=2000),
    first_index=1000,
    t_us=5_000_000_000,
    started_s=1_790_000_000,
)
packets = st.lists(st.binary(max_size=255), max_size=15)


def pages(n: int) -> bytes:
    return b"".join(encode_page(HEAD, [bytes((k,)) * 20, b"x" * 254]) for k in range(n))


def test_by_hand() -> None:
    page = encode_page(HEAD, [b"abc", b""])
    assert len(page) == PAGE_BYTES
    assert page[:4] == b"AIML"
    assert page[4:8] == zlib.crc32(page[8:]).to_bytes(4, "little")
    assert page[48:54] == b"\x03abc\x00\xff"


@given(packets)
def test_there_and_back(sent: list[bytes]) -> None:
    log = decode_log(encode_page(HEAD, sent))
    assert log.pages == ((HEAD, tuple(sent)),)
    assert not log.errors


def test_too_many_packets_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        encode_page(HEAD, [bytes(255)] * 16)
    assert RECORD_ROOM >= 15 * 256


@given(st.integers(0, 3 * PAGE_BYTES))
def test_a_log_cut_anywhere_yields_its_whole_pages(n: int) -> None:
    log = decode_log(pages(3)[:n])
    assert len(log.pages) == n // PAGE_BYTES
    assert log.errors["cut"] == (1 if n % PAGE_BYTES else 0)
    assert log.pages == decode_log(pages(3)).pages[: n // PAGE_BYTES]


@given(st.integers(0, 3 * PAGE_BYTES - 1), st.integers(1, 255))
def test_a_flipped_byte_costs_its_page_only(at: int, flip: int) -> None:
    data = bytearray(pages(3))
    data[at] ^= flip
    log = decode_log(bytes(data))
    assert log.errors == {"damaged": 1}
    whole = decode_log(pages(3)).pages
    assert log.pages == tuple(page for k, page in enumerate(whole) if k != at // PAGE_BYTES)


def test_erased_flash_is_empty() -> None:
    assert decode_log(b"\xff" * 2 * PAGE_BYTES).errors == {"empty": 2}


@given(st.binary(max_size=2 * PAGE_BYTES))
def test_any_bytes_are_counted(data: bytes) -> None:
    log = decode_log(data)
    assert len(log.pages) + sum(log.errors.values()) == -(-len(data) // PAGE_BYTES)


@given(st.binary(max_size=600), st.integers(0, 2**32 - 601), st.integers(7, 244))
def test_pieces_make_up_the_range(data: bytes, offset: int, room: int) -> None:
    *pieces, end = encode_pieces(9, offset, data, room)
    assert all(len(piece) <= room for piece in pieces)
    found = {PIECE_LAYOUT.unpack_prefix(piece)["offset"]: piece[PIECE_LAYOUT.size :] for piece in pieces}
    assert b"".join(found[at] for at in sorted(found)) == data
    assert min(found, default=offset) == offset
    told = PIECE_END_LAYOUT.unpack(end)
    assert told == {"type": PIECE_END, "ref": 9, "outcome": 0, "length": len(data), "crc32": zlib.crc32(data)}


def test_a_packet_of_the_virtual_flash_has_the_flags_of_all_its_samples() -> None:
    """Sample 3 is beyond the range of the accelerometer, sample 8 beyond that of the gyroscope."""
    acc, gyr = np.zeros((100, 3)), np.zeros((100, 3))
    acc[4, 0], gyr[9, 0] = 200.0, 100.0  # a sample lies a period after the start of its run
    series = ImuSeries(time=np.arange(100) / 208, acc=acc, gyr=gyr, sampling_rate=208.0)
    sampler = Sampler(Motion(series), boot_id=1, booted=0.0, ppm=0.0, rate_error=0.0)
    sampler.start(0.0, HEAD.config, epoch=1)
    log = FlashLog(log_id=1, sampler=sampler, first=0, started_s=0, stop=40)
    ((_, sent),) = decode_log(log.read(0, PAGE_BYTES, now=1.0)).pages
    flags = [head.flags for packet in sent if (head := peek(packet)) is not None and head.n]
    assert flags == [Flag.CLIP_ACC | Flag.CLIP_GYR, 0]
