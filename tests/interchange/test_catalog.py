from __future__ import annotations

import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ankle_imu.errors import CorruptRecording, RecordingError
from ankle_imu.interchange import FORMATS, read, recognise


def test_known_formats():
    assert len(FORMATS) == len(set(FORMATS)) == 16
    assert FORMATS[-1] == "generic_csv"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "is empty"),
        (b"  \r\n\n", "is empty"),
        (np.random.default_rng(0).bytes(5000), "found binary data"),
        (bytes(4096), "found binary data"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "found binary data"),
        (b"Dear diary,\ntoday I walked.\n", "found text that begins 'Dear diary,'"),
        (b"1,2,3,4,5,6,7\n" * 30, "found text that begins '1,2,3,4,5,6,7'"),
        (b'{"a": 1}', "known are axivity_cwa, .*, generic_csv"),
        (
            b"// General information:\n//  MT Manager version: 2022\nPacketCounter,SampleTimeFine,Acc_X\n",
            "header but no samples",
        ),
    ],
)
def test_what_is_no_known_file(tmp_path, raw, said):
    path = tmp_path / "walk.csv"
    path.write_bytes(raw)
    with pytest.raises(RecordingError, match=said) as caught:
        read(path, "left_foot")
    assert caught.value.path == str(path)
    assert "\n" not in str(caught.value)


def test_wrong_reader_for_a_file(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    for name in FORMATS:
        with pytest.raises(RecordingError, match=r"binary|damaged|is no|holds no|does not say"):
            read(path, "left_foot", name)


def test_other_zip(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "hello")
    with pytest.raises(RecordingError, match=r"found files letter\.txt"):
        recognise(path)
    path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(CorruptRecording, match="damaged or cut-off zip"):
        recognise(path)


def test_callers_mistakes(tmp_path):
    with pytest.raises(RecordingError, match="No such file"):
        read(tmp_path / "none.csv", "left_foot")
    with pytest.raises(ValueError, match="Unknown placement"):
        read(tmp_path / "none.csv", "left_hand")
    with pytest.raises(ValueError, match="Unknown format 'c3d'"):
        read(tmp_path / "none.csv", "left_foot", "c3d")
    with pytest.raises(ValueError, match="xsens_dot takes no option device; it takes gyr_unit, rebuild"):
        read(tmp_path / "none.csv", "left_foot", "xsens_dot", device="x")


def test_importing_it_costs_no_pandas():
    code = "import sys, ankle_imu.interchange; sys.exit('pandas' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


GENERIC = "time [s],acc_x [g],acc_y [g],acc_z [g],gyr_x [dps],gyr_y [dps],gyr_z [dps]\n" + "".join(
    f"{i / 100:.2f},0.{i:03d},0.5,-0.5,1.5,2.5,3.5\n" for i in range(60)
)
DOT = (
    "DeviceTag:,a\nOutputRate:,60Hz\nPacketCounter,SampleTimeFine,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z\n"
    + "".join(f"{i},{5_000_000 + 16667 * i},9.{i:03d},0.5,-0.5,1.5,2.5,3.5\n" for i in range(60))
)
WITMOTION = "time\tDeviceName\tAccX(g)\tAccY(g)\tAccZ(g)\tAsX(°/s)\tAsY(°/s)\tAsZ(°/s)\n" + "".join(
    f"2025-10-09 08:00:{i // 20:02d}.{50 * (i % 20):03d}\tWT\t0.{i:03d}\t0.5\t-0.5\t1.5\t2.5\t3.5\n"
    for i in range(60)
)


@pytest.mark.parametrize("text", [GENERIC, DOT, WITMOTION], ids=["generic", "dot", "witmotion"])
def test_cut_anywhere_gives_the_intact_prefix_or_one_sentence(tmp_path, text):
    raw = text.encode()
    path = tmp_path / "walk.txt"
    path.write_bytes(raw)
    whole = read(path, "left_foot").series
    readable = 0
    for cut in range(0, len(raw), 7):
        path.write_bytes(raw[:cut])
        try:
            part = read(path, "left_foot").series
        except RecordingError as error:
            assert "\n" not in str(error)  # noqa: PT017
            continue
        ok, n = part.is_valid, len(part.time)
        np.testing.assert_array_equal(part.acc[ok], whole.acc[:n][ok])
        np.testing.assert_array_equal(part.gyr[ok], whole.gyr[:n][ok])
        np.testing.assert_allclose(part.time, whole.time[:n], atol=1e-9)
        readable += 1
    assert readable > 0.7 * len(raw) / 7


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.sampled_from([GENERIC, DOT, WITMOTION]), data=st.data())
def test_broken_bytes_end_in_a_series_or_one_sentence(tmp_path, text, data):
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 12))):
        at, length = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 40))
        raw[at : at + length] = data.draw(st.binary(max_size=40))
    path = tmp_path / "walk.txt"
    path.write_bytes(bytes(raw))
    try:
        result = read(path, "left_foot")
    except RecordingError as error:
        assert "\n" not in str(error)  # noqa: PT017
    else:
        assert result.loss.received + result.loss.lost == result.loss.expected == len(result.series.time)
