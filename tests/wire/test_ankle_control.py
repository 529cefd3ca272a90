"""Commands, answers, Info, Status and time of our own protocol: by hand, there and back, and damaged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu.errors import ProtocolError
from ankle_imu.wire.ankle_control import (
    ANSWERS,
    ARGUMENTS,
    ENDS,
    TIME_ANSWER,
    Answer,
    Op,
    Outcome,
    Request,
    RequestRefused,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)
from ankle_imu.wire.ankle_layout import Layout
from ankle_imu.wire.ankle_state import (
    ACC_RANGES_G,
    GYR_RANGES_DPS,
    RATES_HZ,
    STATUS_LAYOUT,
    Feature,
    Info,
    State,
    Status,
    decode_info,
    decode_status,
    encode_info,
    encode_status,
)

BITS = {"u8": 8, "u16": 16, "u32": 32, "u48": 48, "u64": 64}


def values_of(layout: Layout) -> st.SearchStrategy[dict[str, int]]:
    def number(kind: str) -> st.SearchStrategy[int]:
        return st.integers(-(2**15), 2**15 - 1) if kind == "i16" else st.integers(0, 2 ** BITS[kind] - 1)

    return st.fixed_dictionaries({name: number(kind) for name, kind in layout.types.items()})


def some(values: tuple[int, ...]) -> st.SearchStrategy[tuple[int, ...]]:
    return st.sets(st.sampled_from(values)).map(lambda chosen: tuple(sorted(chosen)))


infos = st.builds(
    Info,
    device_id=st.integers(0, 2**64 - 1),
    boot_id=st.integers(0, 2**32 - 1),
    rates_hz=some(RATES_HZ),
    acc_ranges_g=some(ACC_RANGES_G),
    gyr_ranges_dps=some(GYR_RANGES_DPS),
    chip=st.integers(0, 255),
    flash_bytes=st.integers(0, 2**32 - 1),
    ring_samples=st.integers(0, 2**32 - 1),
    features=st.integers(0, 15).map(Feature),
    firmware=st.text(max_size=20),
)


def test_by_hand() -> None:
    asked = encode_request(
        Op.SET_CONFIG, 9, rate_hz=208, acc_range_g=16, gyr_range_dps=2000, low_pass_hz=0, batch_max_ms=100
    )
    assert asked.hex(" ") == "02 09 d0 00 10 d0 07 00 00 64"
    begun = decode_answer(bytes.fromhex("83 0a 00 78563412 02 00010000"))
    assert begun == Answer(
        op=Op.START_STREAM, ref=10, values={"boot_id": 0x12345678, "epoch": 2, "next_index": 256}
    )
    assert decode_answer(bytes.fromhex("8a 01 04")) == Answer(op=Op.REPLAY, ref=1, outcome=Outcome.BUSY)
    ended = decode_answer(bytes.fromhex("ca 01 00 07000000"))
    assert ended == Answer(op=Op.REPLAY, ref=1, values={"count": 7}, is_end=True)
    times = TIME_ANSWER.unpack(bytes.fromhex("05 010000000001 ff0000000000"))
    assert times == {"seq": 5, "received_us": 2**40 + 1, "sent_us": 255}


@given(st.sampled_from(Op), st.integers(0, 255), st.data())
def test_requests_there_and_back(op: Op, ref: int, data: st.DataObject) -> None:
    values = data.draw(values_of(ARGUMENTS[op]))
    assert decode_request(encode_request(op, ref, **values)) == Request(op=op, ref=ref, values=values)


@given(st.sampled_from(Op), st.integers(0, 255), st.sampled_from(Outcome), st.data())
def test_answers_there_and_back(op: Op, ref: int, outcome: Outcome, data: st.DataObject) -> None:
    values = data.draw(values_of(ANSWERS[op])) if outcome == Outcome.OK else {}
    answer = Answer(op=op, ref=ref, outcome=outcome, values=values)
    assert decode_answer(encode_answer(answer)) == answer


@given(st.sampled_from([*ENDS]), st.integers(0, 255), st.data())
def test_ends_there_and_back(op: Op, ref: int, data: st.DataObject) -> None:
    end = Answer(op=op, ref=ref, values=data.draw(values_of(ENDS[op])), is_end=True)
    assert decode_answer(encode_answer(end)) == end


@pytest.mark.parametrize(
    ("data", "outcome", "op"),
    [
        (b"", Outcome.UNKNOWN_OP, 0),
        (bytes((0x3E, 4)), Outcome.UNKNOWN_OP, 0x3E),
        (bytes((Op.GET_CONFIG,)), Outcome.BAD_LENGTH, Op.GET_CONFIG),
        (bytes((Op.GET_CONFIG, 4, 0)), Outcome.BAD_LENGTH, Op.GET_CONFIG),
        (bytes((Op.REPLAY, 4, 0)), Outcome.BAD_LENGTH, Op.REPLAY),
    ],
)
def test_sensor_refuses_what_is_no_request(data: bytes, outcome: Outcome, op: int) -> None:
    with pytest.raises(RequestRefused) as refused:
        decode_request(data)
    told = decode_answer(encode_answer(refused.value.answer))
    assert (told.op, told.outcome) == (op, outcome)


@given(st.binary(max_size=24))
def test_any_bytes_are_an_answer_or_a_protocol_error(data: bytes) -> None:
    try:
        answer = decode_answer(data)
    except ProtocolError:
        return
    assert (answer.ref, answer.outcome) == (data[1], data[2])


@given(st.binary(max_size=24))
def test_any_bytes_are_a_request_or_refused(data: bytes) -> None:
    try:
        request = decode_request(data)
    except RequestRefused:
        return
    assert encode_request(request.op, request.ref, **request.values) == data


@given(infos)
def test_info_there_and_back(info: Info) -> None:
    assert decode_info(encode_info(info)) == info


@given(infos, st.integers(0, 27))
def test_short_info_is_refused(info: Info, n: int) -> None:
    with pytest.raises(ProtocolError):
        decode_info(encode_info(info)[:n])


def test_another_version_is_refused_with_the_remedy() -> None:
    told = b"\x02" + bytes(40)
    with pytest.raises(ProtocolError, match=r"version 2.*update"):
        decode_info(told)


@given(values_of(STATUS_LAYOUT), st.integers(20, 40))
def test_status_there_and_back_as_far_as_it_goes(values: dict[str, int], limit: int) -> None:
    status = Status(**{**values, "state": State(values["state"] & 15)})
    told = decode_status(encode_status(status, limit))
    for name, offset in STATUS_LAYOUT.offsets.items():
        stop = [*STATUS_LAYOUT.offsets.values(), STATUS_LAYOUT.size]
        is_whole = next(o for o in stop if o > offset) <= limit
        assert getattr(told, name) == (getattr(status, name) if is_whole else None)


@pytest.mark.parametrize("n", [0, 1, 19])
def test_short_status_is_refused(n: int) -> None:
    with pytest.raises(ProtocolError, match="at least 20"):
        decode_status(bytes(n))


def test_what_does_not_fit_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        encode_request(Op.REPLAY, 1, first=-1, last=0)
    with pytest.raises(ValueError, match="has the fields"):
        encode_request(Op.REPLAY, 1, first=1)
