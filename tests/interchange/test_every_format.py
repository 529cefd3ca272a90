"""Every format, whole and harmed: the right numbers, or one sentence; never a wrong number."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from outgoing_walk import outgoing
from vendor_files import VENDORS, Vendor, xdf

from ankle_imu.errors import RecordingError
from ankle_imu.interchange import FORMATS, NotTold, options_of, read, recognise, timeline
from ankle_imu.interchange.exporters import export

N = 400
every = pytest.mark.parametrize("vendor", VENDORS.values(), ids=VENDORS)
every_text = pytest.mark.parametrize(
    "vendor", [v for v in VENDORS.values() if v.is_text], ids=[k for k, v in VENDORS.items() if v.is_text]
)


def source(n: int, rate: float = 100.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """time s, acc m/s^2, gyr rad/s in which no two samples are alike."""
    time = np.arange(n) / rate
    rng = np.random.default_rng(7)
    acc = np.column_stack([3 * np.sin(5 * time), np.cos(3 * time), 9.8 + np.sin(7 * time)]) + rng.normal(
        0, 0.3, (n, 3)
    )
    return time, np.round(acc, 6), np.round(rng.normal(0, 1.5, (n, 3)), 6)


def check(result, truth, vendor: Vendor, *, whole: bool) -> None:
    """Each sample there is stands at its place in time with its numbers; `whole`: none is missing."""
    time, acc, gyr = truth
    series = result.series
    there = np.flatnonzero(series.is_valid)
    distance = np.abs(acc - series.acc[there[0]]).max(axis=1)
    first = int(np.argmin(distance))
    place = first + np.rint((series.time[there] - series.time[there[0]]) * vendor.rate).astype(int)
    assert place[-1] < len(time)
    np.testing.assert_allclose(series.acc[there], acc[place], atol=0.51 * vendor.acc_step + 1e-6)
    np.testing.assert_allclose(series.gyr[there], gyr[place], atol=0.51 * vendor.gyr_step + 1e-6)
    np.testing.assert_allclose(series.time[there] - series.time[there[0]], time[place] - time[place[0]], atol=2e-3)
    assert result.loss.received == len(there)
    if whole:
        assert (first, len(there), result.loss.lost) == (0, len(time), 0)
        assert result.series.sampling_rate == pytest.approx(vendor.rate, rel=1e-3)


def check_or_refused(path, truth, vendor: Vendor) -> bool:
    """Whether it was read; what is read must be right, a refusal one sentence that names the file."""
    try:
        result = read(path, "left_foot", vendor.name, **vendor.options)
    except RecordingError as error:
        assert "\n" not in str(error), error  # noqa: PT017
        assert error.path  # noqa: PT017
        return False
    check(result, truth, vendor, whole=False)
    return True


def harmed(vendor: Vendor, files, harm):
    return {name: harm(raw) if name == vendor.main else raw for name, raw in files.items()}


def test_no_format_is_forgotten():
    assert {v.name for v in VENDORS.values()} == set(FORMATS)
    assert [name for name in FORMATS if "rate" in options_of(name)] == ["mt_manager"]


@every
@pytest.mark.parametrize("n", [N, 10 * N])
def test_whole_files_and_ten_times_longer(tmp_path, vendor, n):
    truth = source(n, vendor.rate)
    path = vendor.save(tmp_path, vendor.write(*truth))
    assert recognise(path) == vendor.name
    result = read(path, "left_foot", **vendor.options)
    check(result, truth, vendor, whole=True)
    assert result.format == vendor.name
    assert (result.acc_unit, result.gyr_unit) in [(a, g) for a in ("m/s^2", "g") for g in ("rad/s", "deg/s")]
    assert any(f"{n} samples in" in note for note in result.notes)


@every
@pytest.mark.parametrize("clipped", [False, True])
def test_the_short_way_for_whole_files_gives_what_the_long_one_gives(tmp_path, vendor, clipped, monkeypatch):
    time, acc, gyr = source(N, vendor.rate)
    if clipped:
        acc[[5, 70], 2] = 16 * 9.80665 * 32767 / 32768
        gyr[6, 0] = -np.deg2rad(2000)
    path = vendor.save(tmp_path, vendor.write(time, acc, gyr))
    short = read(path, "left_foot", **vendor.options)
    monkeypatch.setattr(timeline, "_is_even", lambda _: False)
    long = read(path, "left_foot", **vendor.options)
    for name in ("time", "acc", "gyr"):
        np.testing.assert_array_equal(getattr(short.series, name), getattr(long.series, name))
    assert short.series.sampling_rate == pytest.approx(long.series.sampling_rate, rel=1e-12)
    assert (short.loss.clipped, short.loss.reasons, short.loss.received) == (
        long.loss.clipped, long.loss.reasons, long.loss.received)  # fmt: skip
    assert short.notes == long.notes
    if clipped and np.isfinite(short.sensor.acc_range_g):
        assert short.loss.clipped == 3


@every
def test_cut_anywhere(tmp_path, vendor):
    truth = source(N, vendor.rate)
    files = vendor.write(*truth)
    size = len(files[vendor.main])
    cuts = np.unique(np.concatenate([np.linspace(0, size - 1, 30).astype(int), [1, 3, size - 2]]))
    readable = 0
    for at, cut in enumerate(cuts):
        path = vendor.save(tmp_path / str(at), harmed(vendor, files, lambda raw, cut=cut: raw[:cut]))
        readable += check_or_refused(path, truth, vendor)
    if vendor.name not in ("movesense_json", "apdm_h5"):  # a tree without its end cannot be read
        assert readable > len(cuts) / 3


@every
def test_a_piece_missing_in_the_middle(tmp_path, vendor):
    truth = source(N, vendor.rate)
    files = vendor.write(*truth)
    size = len(files[vendor.main])
    for at, (first, length) in enumerate(
        [(size // 2, 512), (size // 3, 333), (size // 2, 1), (2 * size // 3, 40)]
    ):
        harm = lambda raw, a=first, b=first + length: raw[:a] + raw[b:]  # noqa: E731
        path = vendor.save(tmp_path / str(at), harmed(vendor, files, harm))
        if vendor.is_text and length in (1, 333):
            continue  # a digit, or the middle of two rows, may go missing without a trace
        check_or_refused(path, truth, vendor)


@every
def test_halves_in_the_wrong_order(tmp_path, vendor):
    truth = source(N, vendor.rate)
    files = vendor.write(*truth)

    def swap(raw: bytes) -> bytes:
        if not vendor.is_text:
            middle = len(raw) // 2 // 512 * 512
            return raw[:1024] + raw[middle:] + raw[1024:middle]
        lines = raw.split(b"\n")
        return b"\n".join([*lines[:5], *lines[len(lines) // 2 :], *lines[5 : len(lines) // 2]])

    check_or_refused(vendor.save(tmp_path, harmed(vendor, files, swap)), truth, vendor)


@every
@pytest.mark.parametrize("other", ["generic_csv", "xsens_dot", "axivity_cwa", "apdm_csv"])
def test_the_second_half_is_of_another_file(tmp_path, vendor, other):
    if vendor.name == other:
        pytest.skip("the same format")
    truth = source(N, vendor.rate)
    foreign = VENDORS[other]
    rest = foreign.write(*source(N, foreign.rate))[foreign.main]
    rest = rest[len(rest) // 2 :].partition(b"\n")[2] if foreign.is_text else rest[len(rest) // 2 :]
    for share in (2, 10):  # half, and the last tenth
        keep = lambda raw, s=share: raw[: raw.rfind(b"\n", 0, len(raw) * (s - 1) // s) + 1] + rest  # noqa: E731
        path = vendor.save(tmp_path / str(share), harmed(vendor, vendor.write(*truth), keep))
        check_or_refused(path, truth, vendor)


@every
def test_a_file_of_every_other_format_is_refused(tmp_path, vendor):
    for name, other in VENDORS.items():
        if other.name == vendor.name:
            continue
        path = other.save(tmp_path / name, other.write(*source(N, other.rate)))
        with pytest.raises(RecordingError) as caught:
            read(path, "left_foot", vendor.name, **vendor.options)
        assert "\n" not in str(caught.value)


@every_text
@pytest.mark.parametrize("way", ["bom", "crlf", "cr", "utf-16", "no last line end", "empty lines"])
def test_ways_of_writing_the_same_text(tmp_path, vendor, way):
    truth = source(N, vendor.rate)
    ways = {
        "bom": lambda raw: b"\xef\xbb\xbf" + raw,
        "crlf": lambda raw: raw.replace(b"\n", b"\r\n"),
        "cr": lambda raw: raw.replace(b"\n", b"\r"),
        "utf-16": lambda raw: raw.decode().encode("utf-16"),
        "no last line end": lambda raw: raw.rstrip(b"\n"),
        "empty lines": lambda raw: raw + b"\n\n \n",
    }
    files = {name: ways[way](raw) for name, raw in vendor.write(*truth).items()}
    path = vendor.save(tmp_path, files)
    if way == "cr" and vendor.name == "motion_bids":
        assert check_or_refused(path, truth, vendor) in (True, False)
        return
    if way == "utf-16":  # whoever saved it so, the numbers must be right if they are read at all
        check_or_refused(path, truth, vendor)
        return
    assert recognise(path) == vendor.name
    check(read(path, "left_foot", **vendor.options), truth, vendor, whole=way != "no last line end")


@pytest.mark.parametrize(
    "vendor", [v for v in VENDORS.values() if not v.is_text or v.zipped], ids=lambda v: v.name
)
@pytest.mark.parametrize("way", ["bom", "crlf", "lf"])
def test_a_binary_file_sent_as_text(tmp_path, vendor, way):
    """A transfer in text mode puts bytes in or takes some out; the right numbers or a refusal come of it."""
    truth = source(N, vendor.rate)
    path = vendor.save(tmp_path, vendor.write(*truth))
    raw = path.read_bytes()
    path.write_bytes({
        "bom": b"\xef\xbb\xbf" + raw, "crlf": raw.replace(b"\n", b"\r\n"), "lf": raw.replace(b"\r\n", b"\n"),
    }[way])  # fmt: skip
    check_or_refused(path, truth, vendor)


@every_text
@pytest.mark.parametrize("separator", ["as it was", ";", "\t"])
def test_decimal_commas(tmp_path, vendor, separator):
    """Another locale: right where commas cannot be mistaken, else refused."""
    truth = source(N, vendor.rate)

    def localise(raw: bytes) -> bytes:
        text = raw.decode()
        if separator != "as it was" and vendor.name != "movesense_json":
            text = text.replace(",", separator)
        return re.sub(r"(?<=\d)\.(?=\d)", ",", text).encode()

    files = {name: localise(raw) for name, raw in vendor.write(*truth).items()}
    was_read = check_or_refused(vendor.save(tmp_path, files), truth, vendor)
    if separator != "as it was":
        assert was_read is (vendor.name not in ("movesense_json", "motion_bids", "witmotion_app"))
    else:  # only cells between tabs or semicolons can hold commas; WitMotion's times lose their fraction
        assert was_read is (vendor.name in ("mt_manager", "motion_bids"))


@every
def test_lost_samples_stay_open(tmp_path, vendor):
    """40 samples (a block, ten packets) are missing; the times of the others do not move."""
    time, acc, gyr = source(N, vendor.rate)
    keep = np.ones(N, dtype=bool)
    keep[160:200] = False
    files = vendor.write(time, acc, gyr)
    if vendor.name == "axivity_cwa":
        files = harmed(vendor, files, lambda raw: raw[: 1024 + 4 * 512] + raw[1024 + 5 * 512 :])
    elif vendor.name == "nilspod":
        files = harmed(vendor, files, lambda raw: raw[: 52 + 160 * 16] + raw[52 + 200 * 16 :])
    elif vendor.options:  # only the packet counter tells
        lines = files[vendor.main].split(b"\n")
        files = {vendor.main: b"\n".join(lines[: 3 + 160] + lines[3 + 200 :])}
    else:
        files = vendor.write(time[keep], acc[keep], gyr[keep])
    result = read(vendor.save(tmp_path, files), "left_foot", **vendor.options)
    check(result, (time, acc, gyr), vendor, whole=False)
    assert result.loss.reasons["missing"] == 40
    extra = int(vendor.name == "nilspod")  # the sample behind a loss may be put together of two
    assert (result.loss.lost, result.loss.received) == (40 + extra, N - 40 - extra)


def test_what_is_not_told_is_asked_for_by_name(tmp_path):
    truth = source(N)
    counted = VENDORS["mt_manager+rate"]
    with pytest.raises(NotTold, match="say the rate in Hz") as caught:
        read(counted.save(tmp_path, counted.write(*truth)), "left_foot")
    assert (caught.value.option, caught.value.choices) == ("rate", ())
    apdm = VENDORS["apdm_csv"]
    with pytest.raises(NotTold, match=r"2 sensors \(Lumbar, Left Foot\)") as caught:
        read(apdm.save(tmp_path, apdm.write(*truth)), "right_shank")
    assert (caught.value.option, caught.value.choices) == ("device", ("Lumbar", "Left Foot"))
    assert read(tmp_path / "apdm.csv", "right_shank", device="left").sensor.serial == "6570"


def test_axivity_without_gyroscope_and_with_changed_settings(tmp_path):
    vendor = VENDORS["axivity_cwa"]
    raw = bytearray(vendor.write(*source(N))["walk.cwa"])

    def patched(places: dict[int, int], blocks) -> None:
        data = bytearray(raw)
        for block in blocks:
            at = 1024 + 512 * block
            for place, value in places.items():
                data[at + place] = value
            words = np.frombuffer(bytes(data[at : at + 510]), "<u2")
            data[at + 510 : at + 512] = (-int(words.sum()) % 65536).to_bytes(2, "little")
        (tmp_path / "walk.cwa").write_bytes(bytes(data))

    patched({25: 0x32}, range(10))
    with pytest.raises(RecordingError, match="holds 3 axes a sample, expected 6: no gyroscope"):
        read(tmp_path / "walk.cwa", "left_foot")
    patched({24: 0x0B}, [7])
    with pytest.raises(RecordingError, match="settings of the sensor change"):
        read(tmp_path / "walk.cwa", "left_foot")
    patched({28: 17}, [9])  # the last block is not full
    assert read(tmp_path / "walk.cwa", "left_foot").loss.received == 360 + 17


def test_axivity_restarted_in_between(tmp_path):
    """The count of blocks starts again an hour later: a gap of an hour, no sample moved."""
    vendor = VENDORS["axivity_cwa"]
    time, acc, gyr = source(N)
    first, again = (vendor.write(time, acc, gyr)["walk.cwa"] for _ in range(2))
    later = bytearray(again[1024:])
    for at in range(0, len(later), 512):
        packed = int.from_bytes(later[at + 14 : at + 18], "little") + (1 << 12)
        later[at + 14 : at + 18] = packed.to_bytes(4, "little")
        words = np.frombuffer(bytes(later[at : at + 510]), "<u2")
        later[at + 510 : at + 512] = (-int(words.sum()) % 65536).to_bytes(2, "little")
    (tmp_path / "walk.cwa").write_bytes(first + bytes(later))
    series = read(tmp_path / "walk.cwa", "left_foot").series
    there = np.flatnonzero(series.is_valid)
    assert len(there) == 2 * N
    np.testing.assert_allclose(series.time[there[N]] - series.time[there[0]], 3600.0, atol=2e-3)


def test_nilspod_past_midnight_and_without_gyr(tmp_path):
    vendor = VENDORS["nilspod"]
    raw = bytearray(vendor.write(*source(N, 102.4))["pod.bin"])
    day = round(86400 * 102.4)
    for i in range(N):
        at = 52 + 16 * i + 12
        raw[at : at + 4] = ((day - 200 + i) % day).to_bytes(4, "little")
    (tmp_path / "pod.bin").write_bytes(bytes(raw))
    check(read(tmp_path / "pod.bin", "left_foot"), source(N, 102.4), vendor, whole=True)
    raw[1], raw[2] = 10, 1
    (tmp_path / "pod.bin").write_bytes(bytes(raw))
    with pytest.raises(RecordingError, match="holds no angular rate"):
        read(tmp_path / "pod.bin", "left_foot")


def test_xdf_units_markers_and_two_streams(tmp_path):
    vendor = VENDORS["xdf"]
    path = vendor.save(tmp_path, xdf(*source(N), unit=("", "deg/s")))
    with pytest.raises(NotTold, match="--acc-unit: m/s"):
        read(path, "left_foot")
    result = read(path, "left_foot", acc_unit="g")
    assert (result.acc_unit, result.gyr_unit) == ("g", "deg/s")
    np.testing.assert_allclose(result.series.acc[0], source(N)[1][0] * 9.80665)
    assert [(m.text, round(m.time_s, 6)) for m in result.markers] == [("stone", 0.5)]
    with pytest.raises(ValueError, match="Unknown unit 'furlong'"):
        read(path, "left_foot", acc_unit="furlong")


def test_metabase_needs_both_files_and_their_names(tmp_path):
    vendor = VENDORS["metabase"]
    files = vendor.write(*source(N))
    path = vendor.save(tmp_path / "a", files)
    both = [read(p, "left_foot").series.acc for p in (*sorted(path.parent.iterdir()), path.parent)]
    np.testing.assert_array_equal(both[0], both[1])
    np.testing.assert_array_equal(both[0], both[2])
    (path.parent / next(name for name in files if "Accel" in name)).unlink()
    with pytest.raises(RecordingError, match="found 0 accelerometer files of this sensor beside it"):
        read(path, "left_foot")
    with pytest.raises(RecordingError, match="keep the names"):
        read(path.rename(tmp_path / "walk.csv"), "left_foot")


def test_phyphox_without_gravity_is_refused(tmp_path):
    vendor = VENDORS["phyphox"]
    files = vendor.write(*source(N))
    files["Accelerometer.csv"] = files["Accelerometer.csv"].replace(b'"Acceleration', b'"Linear Acceleration')
    with pytest.raises(RecordingError, match="0 tables of acceleration with gravity"):
        read(vendor.save(tmp_path, files), "left_foot")


def test_starts_that_files_tell(tmp_path):
    told = {}
    for name, vendor in VENDORS.items():
        result = read(
            vendor.save(tmp_path / name, vendor.write(*source(N, vendor.rate))), "left_foot", **vendor.options
        )
        told[name] = result.started_utc or result.started_local
    utc = ("xsens_dot", "metabase", "phyphox", "sensor_logger", "apdm_csv", "apdm_h5")
    assert {name: told[name] for name in utc} == dict.fromkeys(utc, "2026-08-28T07:51:44.000Z")
    assert told["nilspod"] == "2026-08-28T07:51:44.003Z"  # its counter's nearest sample
    assert told["axivity_cwa"] == "2026-08-28 07:51:44.000"
    assert told["witmotion_flash"] == "2026-06-22 14:41:00.000"
    assert told["generic_csv"] == told["mt_manager"] == ""


def test_bids_start_and_counted_rows(tmp_path):
    vendor = VENDORS["motion_bids"]
    files = vendor.write(*source(N))
    folder = tmp_path / "sub-01" / "motion"
    path = vendor.save(folder, files)
    scans = f"filename\tacq_time\nmotion/{path.name}\t2026-08-28T07:51:44.250Z\n"
    (tmp_path / "sub-01" / "sub-01_scans.tsv").write_text(scans)
    assert read(path, "left_foot").started_utc == "2026-08-28T07:51:44.250Z"
    channels = folder / path.name.replace("_motion.tsv", "_channels.tsv")
    channels.write_text(channels.read_text().replace("LATENCY", "MISC"))
    result = read(path, "left_foot")
    check(result, source(N), vendor, whole=True)
    assert any("rows counted at 100 Hz" in note for note in result.notes)
    with pytest.raises(NotTold, match="names 0"):
        read(path, "left_foot", device="shank")
    channels.unlink()
    with pytest.raises(RecordingError, match="No such file"):
        read(path, "left_foot")


def test_without_the_library_one_sentence_tells_how_to_get_it(tmp_path, monkeypatch):
    import sys

    for name, library in (("xdf", "pyxdf"), ("apdm_h5", "h5py")):
        path = VENDORS[name].save(tmp_path, VENDORS[name].write(*source(N)))
        monkeypatch.setitem(sys.modules, library, None)
        with pytest.raises(RecordingError, match=r"pip install 'ankle-imu\[formats\]'"):
            read(path, "left_foot")


def test_our_own_motion_bids_data_set_comes_back(tmp_path):
    """Exported and imported: the samples as they were, the losses where they were, one clock for both sensors."""
    walk = outgoing()
    export([walk], "motion-bids", tmp_path / "set")
    zero = datetime.fromtimestamp(walk.started_s, tz=UTC)
    for placement, series in walk.series.items():
        (path,) = (tmp_path / "set").rglob(f"*tracksys-{placement.replace('_', '')}*_motion.tsv")
        result = read(path, placement)
        assert result.format == "motion_bids"
        there = series.is_valid
        np.testing.assert_array_equal(result.series.is_valid, there[: len(result.series.time)])
        np.testing.assert_allclose(
            result.series.acc[there[: len(result.series.time)]], series.acc[there], rtol=1e-6
        )
        np.testing.assert_allclose(
            result.series.gyr[there[: len(result.series.time)]], series.gyr[there], rtol=1e-6
        )
        np.testing.assert_allclose(
            result.series.time, series.time[: len(result.series.time)] - series.time[0], atol=1e-6
        )
        began = datetime.fromisoformat(result.started_utc)
        assert (began - zero).total_seconds() == pytest.approx(series.time[0], abs=2e-3)
