"""Real files out of order, pieced together, sent as text, ten times as long: right numbers or one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ankle_imu.errors import RecordingError
from ankle_imu.interchange import read
from ankle_imu.interchange.imported import Imported

AX6 = "axivity_ax6_sample.cwa"
PODS = ("NilsPodX-7FAD_20190430_0933.bin", "NilsPodX-922A_20190430_0933.bin")
DOTS = ("xsensdot_LTibia_20210820_202113_811.csv", "xsensdot_RTibia_20210820_202113_825.csv")
TEXTS = {
    "apdm_format7.csv": ({}, 3),
    "xsens_MT2022_ACC_GYRO_ROT_ALL_TAB_NAN_00B42D4B.txt": ({"rate": 60.0}, 13),
    "xsens_MT2022_ACC_GYRO_ROT_EULER_TAB_00B42D4F.txt": ({"rate": 60.0}, 13),
    "xsens_MT2022_ACC_GYRO_ROT_MAT_COMMA_00B42D4B.txt": ({"rate": 60.0}, 13),
    "xsens_MT2022_ACC_GYRO_ROT_MAT_SEMICOLON_00B42D4B.txt": ({"rate": 60.0}, 13),
    **dict.fromkeys(DOTS, ({"rebuild": True}, 12)),
}
"""What is told to the importer, and how many lines stand above the numbers."""

BINARY = {AX6: (1024, 512), **dict.fromkeys(PODS, (52, 16))}
"""Bytes of the header and of what follows it again and again."""

EVERY = [*TEXTS, *BINARY]


@pytest.fixture(scope="session")
def vendor_files(shared: Path) -> Path:
    return shared / "data/importer_files"


def options_of(name: str) -> dict[str, object]:
    return TEXTS[name][0] if name in TEXTS else {}


def pieces(name: str, raw: bytes) -> tuple[bytes, list[bytes]]:
    """Head of a file and its rows or blocks."""
    if name in TEXTS:
        lines = raw.splitlines(keepends=True)
        first = TEXTS[name][1]
        return b"".join(lines[:first]), lines[first:]
    start, size = BINARY[name]
    return raw[:start], [raw[at : at + size] for at in range(start, len(raw), size)]


def right_or_refused(path: Path, name: str, whole: Imported) -> Imported | None:
    """What was read holds samples of the whole file, each at its own time; else one sentence with the path."""
    try:
        result = read(path, "left_foot", **options_of(name))
    except RecordingError as error:
        assert "\n" not in str(error)  # noqa: PT017
        assert error.path  # noqa: PT017
        return None
    is_rebuilt = name in DOTS
    there = result.series.is_valid
    rows, known = _rows(result, is_rebuilt)[there], _rows(whole, is_rebuilt)
    _, first, how_often = np.unique(known, axis=0, return_index=True, return_counts=True)
    alone = {known[k].tobytes(): whole.series.time[k] for k in first[how_often == 1]}
    time = result.series.time[there]
    shifts = [t - alone[row.tobytes()] for t, row in zip(time, rows, strict=True) if row.tobytes() in alone]
    np.testing.assert_allclose(shifts, np.median(shifts), atol=0.02)
    at = np.searchsorted(whole.series.time, time - np.median(shifts) - 0.5 / whole.series.sampling_rate)
    differ = (rows != known[np.clip(at, 0, len(known) - 1)]).any(axis=1)
    assert differ.sum() <= whole.loss.reasons.get("repeated", 0)  # of two rows with one counter either is right
    return result


def _rows(result: Imported, is_rebuilt: bool) -> np.ndarray:
    """Samples; of what was rebuilt from orientations only acc, whose neighbours have no part in it."""
    return result.series.acc if is_rebuilt else np.hstack([result.series.acc, result.series.gyr])


@pytest.mark.parametrize("name", EVERY)
def test_halves_in_the_wrong_order(vendor_files: Path, tmp_path: Path, name: str) -> None:
    raw = (vendor_files / name).read_bytes()
    whole = read(vendor_files / name, "left_foot", **options_of(name))
    head, rows = pieces(name, raw)
    middle = len(rows) // 2
    (tmp_path / name).write_bytes(head + b"".join(rows[middle:] + rows[:middle]))
    right_or_refused(tmp_path / name, name, whole)


@pytest.mark.parametrize("name", EVERY)
def test_one_row_stands_elsewhere(vendor_files: Path, tmp_path: Path, name: str) -> None:
    head, rows = pieces(name, (vendor_files / name).read_bytes())
    whole = read(vendor_files / name, "left_foot", **options_of(name))
    rows[1], rows[-2] = rows[-2], rows[1]
    (tmp_path / name).write_bytes(head + b"".join(rows))
    right_or_refused(tmp_path / name, name, whole)


@pytest.mark.parametrize("name", EVERY)
def test_the_second_half_is_of_another_makers_file(vendor_files: Path, tmp_path: Path, name: str) -> None:
    head, rows = pieces(name, (vendor_files / name).read_bytes())
    whole = read(vendor_files / name, "left_foot", **options_of(name))
    begun = head + b"".join(rows[: len(rows) // 2])
    for other in EVERY:
        raw = (vendor_files / other).read_bytes()
        if other.partition("_")[0].partition("-")[0] == name.partition("_")[0].partition("-")[0]:
            continue  # rows of the same layout are rows of that file for whoever reads them
        (tmp_path / name).write_bytes(begun + b"".join(pieces(other, raw)[1]))
        right_or_refused(tmp_path / name, name, whole)


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize(("was", "became"), [(b"\n", b"\r\n"), (b"\r\n", b"\n"), (b"", b"\xef\xbb\xbf")],
                         ids=["crlf", "lf", "bom"])  # fmt: skip
def test_bytes_sent_as_text(vendor_files: Path, tmp_path: Path, name: str, was: bytes, became: bytes) -> None:
    """A transfer that takes it for text puts bytes in or takes some out: what stands at its place is right."""
    raw = (vendor_files / name).read_bytes()
    whole = read(vendor_files / name, "left_foot")
    (tmp_path / name).write_bytes(raw.replace(was, became) if was else became + raw)
    right_or_refused(tmp_path / name, name, whole)


def test_ten_times_longer_orientation_files(vendor_files: Path, tmp_path: Path) -> None:
    """The same rows ten times, counter and clock going on; between two copies the orientation jumps."""
    for name in DOTS:
        head, rows = pieces(name, (vendor_files / name).read_bytes())
        cells = [row.rstrip(b"\r\n").split(b",") for row in rows if row.strip()]
        n, start = len(cells), int(cells[0][1])
        step = int(cells[1][1]) - start
        many = [b",".join([b"%d" % (k + 1), b"%d" % (start + k * step), *cells[k % n][2:]]) for k in range(10 * n)]
        (tmp_path / name).write_bytes(head + b"\r\n".join(many) + b"\r\n")
        once = read(vendor_files / name, "left_shank", rebuild=True)
        ten = read(tmp_path / name, "left_shank", rebuild=True)
        assert ten.loss.received == 10 * n
        np.testing.assert_allclose(ten.series.acc, np.tile(once.series.acc, (10, 1)), rtol=1e-12)
        inner = np.arange(10 * n) % n
        inner = (inner > 0) & (inner < n - 1)
        np.testing.assert_allclose(ten.series.gyr[inner], np.tile(once.series.gyr, (10, 1))[inner], atol=1e-9)


def test_ten_times_longer_with_a_repeated_row(vendor_files: Path, tmp_path: Path) -> None:
    """The other NilsPod, whose last row repeats a counter: dropped once, not ten times."""
    raw = (vendor_files / PODS[1]).read_bytes()
    once = read(vendor_files / PODS[1], "left_foot")
    rows = np.frombuffer(raw[52 : 52 + 16 * 9597], "u1").reshape(-1, 16)
    rows = rows[np.unique(rows[:, 12:].copy().view("<u4")[:, 0], return_index=True)[1]]
    many = np.tile(rows, (10, 1))
    first = int(rows[0, 12:].copy().view("<u4")[0])
    many[:, 12:] = (first + np.arange(len(many))).astype("<u4").view("u1").reshape(-1, 4)
    head = bytearray(raw[:52])
    head[23:27] = len(many).to_bytes(4, "little")
    (tmp_path / PODS[1]).write_bytes(bytes(head) + many.tobytes())
    ten = read(tmp_path / PODS[1], "left_foot")
    assert (ten.loss.received, ten.loss.lost) == (10 * len(rows), 0)
    np.testing.assert_array_equal(ten.series.acc, np.tile(once.series.acc, (10, 1)))
