"""Bytes of the Ankle IMU protocol, version 1, as `firmware_notes/protocol.md` lays them out.

Everything is packed into buffers that the caller owns. Numbers may come whole; they wrap here as the protocol
says.
"""

import struct

VERSION = 1
FIRMWARE = "ankle-device 1.0"
NAME_PREFIX = "AnkleIMU-"

UUID_FORM = "3cea%04x-8142-48ea-91d9-3080f9b439fc"
SERVICE, INFO, CONTROL, DATA, TIME, STATUS, LOG_DATA = 1, 2, 3, 4, 5, 6, 7

READ, WRITE_NO_RESPONSE, WRITE, NOTIFY, INDICATE = 0x02, 0x04, 0x08, 0x10, 0x20
CHARACTERISTICS = (
    (INFO, READ),
    (CONTROL, WRITE | INDICATE),
    (DATA, NOTIFY),
    (TIME, WRITE_NO_RESPONSE | NOTIFY),
    (STATUS, READ | NOTIFY),
    (LOG_DATA, NOTIFY),
)
"""Number and properties (bits of the Bluetooth Core Specification, vol. 3 part G, 3.3.1.1) of each."""

SAMPLES, COMPACT, CLOCK, PIECE, PIECE_END = 0x10, 0x11, 0x12, 0x20, 0x21
CLIP_ACC, CLIP_GYR, OVERRUN, TIME_JUMP, REPLAYED = 1, 2, 4, 8, 16
SAMPLE_BYTES = 12
ATT_BYTES = 3

HEAD_FORM = "<BBHIIBB"
HEAD_BYTES = 14
COMPACT_FORM = "<BBHI"
COMPACT_HEAD = 8
CLOCK_FORM = "<BBHIIHIH"
CLOCK_BYTES = 20
TIME_FORM = "<BIHIH"
INFO_FORM = "<BQIBHBBIIH"
STATUS_FORM = "<BBQIIhHIHHHB"
STATUS_BYTES = 33
STATUS_LEAST = 20
PAGE_FORM = "<IIBBHIIIIQIHBHHB"
PAGE_HEAD = 48
PAGE_BYTES = 4096
CRC_FROM = 8
MAGIC = 0x4C4D4941
PIECE_FORM = "<BBI"
PIECE_HEAD = 6
PIECE_END_FORM = "<BBBII"

GET_CONFIG, SET_CONFIG, START_STREAM, STOP_STREAM, START_LOG, STOP_LOG = 1, 2, 3, 4, 5, 6
LIST_LOGS, READ_LOG, DELETE_LOG, REPLAY, IDENTIFY = 7, 8, 9, 10, 11
CONFIG_FORM = "<HBHHB"
ARGUMENTS = {
    GET_CONFIG: "<",
    SET_CONFIG: CONFIG_FORM,
    START_STREAM: "<",
    STOP_STREAM: "<",
    START_LOG: "<I",
    STOP_LOG: "<",
    LIST_LOGS: "<B",
    READ_LOG: "<III",
    DELETE_LOG: "<I",
    REPLAY: "<II",
    IDENTIFY: "<B",
}
ANSWERS = {
    GET_CONFIG: "<BHBHHB",
    SET_CONFIG: "<BHBHHB",
    START_STREAM: "<IBI",
    STOP_STREAM: "<I",
    START_LOG: "<I",
    STOP_LOG: "<II",
    LIST_LOGS: "<BIIII",
    READ_LOG: "<II",
    DELETE_LOG: "<",
    REPLAY: "<II",
    IDENTIFY: "<",
}
REPLAY_END = "<I"
ALL_LOGS = 0xFFFFFFFF

OK, UNKNOWN_OP, BAD_LENGTH, BAD_VALUE, BUSY, NOT_FOUND, NO_FLASH, FLASH_FULL, WRONG_STATE, FAILED = range(10)

RATES_HZ = (26, 52, 104, 208, 416, 833)
ACC_RANGES_G = (2, 4, 8, 16, 32)
GYR_RANGES_DPS = (125, 250, 500, 1000, 2000, 4000)
FLASH_LOG, CAN_REPLAY, CLOCK_PACKETS, LIGHT = 1, 2, 4, 8
SAMPLING, STREAMING, LOGGING, CHARGING = 1, 2, 4, 8

_U16, _U32 = 0xFFFF, 0xFFFFFFFF


def uuid(number):
    """128-bit UUID, as text."""
    return UUID_FORM % number


def pack_head(buf, epoch, seq, index, t_us, n, flags):
    """Head of a packet 0x10; the samples follow at `HEAD_BYTES`."""
    struct.pack_into(HEAD_FORM, buf, 0, SAMPLES, epoch, seq & _U16, index & _U32, t_us & _U32, n, flags)


def pack_compact(buf, epoch, index, t_us, flags):
    """Head of a packet 0x11; its sample follows at `COMPACT_HEAD`."""
    struct.pack_into(COMPACT_FORM, buf, 0, COMPACT, epoch & 7 | flags << 3, index & _U16, t_us & _U32)


def pack_clock(buf, at, epoch, boot_id, index, imu_us, mcu_us):
    """Packet 0x12, at `at`."""
    imu_high, mcu_high = imu_us >> 32 & _U16, mcu_us >> 32 & _U16
    struct.pack_into(
        CLOCK_FORM,
        buf,
        at,
        CLOCK,
        epoch,
        boot_id & _U16,
        index & _U32,
        imu_us & _U32,
        imu_high,
        mcu_us & _U32,
        mcu_high,
    )


def pack_time(seq, received_us, sent_us):
    """Answer to a time request."""
    received_high, sent_high = received_us >> 32 & _U16, sent_us >> 32 & _U16
    return struct.pack(TIME_FORM, seq, received_us & _U32, received_high, sent_us & _U32, sent_high)


def pack_answer(op, ref, outcome, *values):
    """Answer to a request; values only when the outcome is OK."""
    head = bytes((op & 0x3F | 0x80, ref, outcome))
    return head + struct.pack(ANSWERS[op], *values) if outcome == OK else head


def pack_replay_end(ref, count):
    """End of a REPLAY."""
    return bytes((REPLAY | 0xC0, ref, OK)) + struct.pack(REPLAY_END, count)


def room_of(mtu):
    """Samples that fit a packet at this MTU; 0 when only the compact packet fits."""
    return max(0, min((mtu - ATT_BYTES - HEAD_BYTES) // SAMPLE_BYTES, 255))
