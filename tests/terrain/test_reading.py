"""Track files, whole and broken: what holds is kept, and every loss is said in a sentence."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from track_files import START, fit, gpx, point, rows

from ankle_imu.errors import RecordingError
from ankle_imu.terrain import read_track
from ankle_imu.track import Track


@pytest.mark.parametrize("write", [gpx, fit])
def test_a_good_file_is_read_as_it_is(write) -> None:
    wanted = np.array(rows())
    track = read_track(write(rows()), "walk")
    assert track.problems == ()
    assert not track.is_damaged
    np.testing.assert_allclose(track.time, wanted[:, 0], atol=1e-6)
    np.testing.assert_allclose(track.latitude, wanted[:, 1], atol=1e-7)
    np.testing.assert_allclose(track.longitude, wanted[:, 2], atol=1e-7)
    np.testing.assert_allclose(track.elevation, wanted[:, 3], atol=0.1)


def test_content_decides_not_the_name() -> None:
    assert read_track(gpx(rows()), "walk.fit").source.startswith("GPX")
    assert read_track(fit(rows()), "walk.gpx").source.startswith("FIT")
    assert len(read_track(gpx(rows()).decode().encode("utf-16"), "walk.gpx").time) == 20


def test_times_with_a_zone_are_utc_and_without_one_taken_for_it() -> None:
    text = (
        gpx(rows(2)).decode().replace("09:00:00.000000Z", "11:00:00+02:00").replace("09:00:01.000000Z", "09:00:01")
    )
    np.testing.assert_allclose(read_track(text.encode(), "x").time, [START, START + 1.0])


def told(data: bytes, *sentences: str) -> Track:
    track = read_track(data, "walk.gpx")
    assert len(track.problems) == len(sentences), track.problems
    for problem, sentence in zip(track.problems, sentences, strict=True):
        assert sentence in problem
    return track


def test_no_times() -> None:
    track = told(gpx([(None, *row[1:]) for row in rows()]), "No point carries a usable time")
    assert len(track.time) == 20
    assert not track.is_timed.any()


def test_a_stretch_without_times_is_kept_for_the_way() -> None:
    track = told(gpx([(None, *row[1:]) for row in rows(5)], rows(20)), "5 of 25 points carry no usable time")
    assert track.is_timed.sum() == 20


@pytest.mark.parametrize(
    ("date", "word"),
    [(-2147483648.0, "1901-12-13"), (0.0, "1970-01-01"), (5e9, "2128"), (1.09e9, "2004-07-16")],
)
def test_dates_of_a_clock_that_was_never_set(date: float, word: str) -> None:
    odd = [(date + k, *row[1:]) for k, row in enumerate(rows(3))]
    track = told(gpx(odd, rows(20)), f"3 of 23 points are dated {word}", "3 of 23 points carry no usable time")
    assert track.is_timed.sum() == 20


def test_points_twice_and_backwards() -> None:
    good = rows(20)
    twice = [*good[:10], good[9], *good[10:]]
    assert len(told(gpx(twice), "1 of 21 points repeat the time").time) == 20
    back = [*good[:10], (good[3][0] + 0.5, *good[3][1:]), *good[10:]]
    assert len(told(gpx(back), "1 of 21 points run backwards").time) == 20


def test_one_time_far_ahead_costs_one_point() -> None:
    good = rows(20)
    good[5] = (good[5][0] + 1e6, *good[5][1:])
    assert len(told(gpx(good), "1 of 20 points run backwards").time) == 19


def test_stretches_out_of_order_are_sorted() -> None:
    good = rows(40)
    track = told(gpx(good[20:], good[:20]), "not in order")
    np.testing.assert_allclose(track.time, [row[0] for row in good])


def test_a_gap_on_the_move_is_said_and_a_pause_is_not() -> None:
    good = rows(40)
    moved = [*good[:20], *((t + 600.0, a + 0.01, b, h) for t, a, b, h in good[20:])]
    told(gpx(moved), "A gap of more than 60 s on the move, 10 min")
    told(gpx([*good[:20], *((t + 600.0, a, b, h) for t, a, b, h in good[20:])]))


def test_wild_points_impossible_places_and_missing_heights() -> None:
    good = rows(40)
    good[10] = (good[10][0], 46.1, 14.1, 601.0)
    good[20] = (good[20][0], 0.0, 0.0, None)
    good[30] = (*good[30][:3], None)
    track = told(
        gpx(good), "1 of 40 points lie at an impossible place", "1 of 39 points jump", "1 of 38 points have no"
    )
    assert len(track.time) == 38
    told(gpx([(*row[:3], None) for row in rows()]), "no heights")


def test_values_that_are_no_numbers_cost_only_themselves() -> None:
    text = gpx(rows(20)).decode().replace("600.10", "high", 1).replace('lat="46.00005000"', 'lat="north"')
    track = told(text.encode(), "2 values of the file are no numbers", "1 of 19 points have no height")
    assert len(track.time) == 19


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "is empty"),
        (b"hello", "neither GPX nor FIT"),
        (b"PK\x03\x04aaaa", "unpack it first"),
        (b"<?xml version='1.0'?><html></html>", "no GPX"),
        (b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]><gpx></gpx>", "entities"),
        (b"<gpx><trk", "damaged from the start"),
        (gpx(), "no usable position"),
        (gpx(rows(1)), "1 usable position;"),
        (b'<gpx version="1.1" creator="x"><wpt lat="1" lon="2"/></gpx>', "single marks"),
        (b'<gpx version="1.1" creator="x"><rte><rtept lat="1" lon="2"/></rte></gpx>', "planned route"),
        (fit(rows(), has_place=False), "None of its 20 records has a position"),
        (fit([]), "no recorded activity"),
        (fit(rows())[:20], "cannot be read as FIT"),
    ],
)
def test_what_is_no_track_is_refused_in_one_sentence(data: bytes, word: str) -> None:
    with pytest.raises(RecordingError, match=word) as caught:
        read_track(data, "walk")
    assert caught.value.exit_code == 5
    assert "\n" not in str(caught.value)


@given(st.integers(0, len(gpx(rows()))))
def test_gpx_cut_at_any_byte_gives_its_intact_prefix(at: int) -> None:
    whole, data = read_track(gpx(rows()), "x"), gpx(rows())[:at]
    try:
        track = read_track(data, "x")
    except RecordingError:
        assert data.count(b"</trkpt>") < 2
        return
    assert len(track.time) == data.count(b"</trkpt>")
    assert track.is_damaged == (at < len(gpx(rows())))
    np.testing.assert_array_equal(track.time, whole.time[: len(track.time)])


@given(st.integers(14, len(fit(rows())) - 1))
def test_fit_cut_at_any_byte_gives_its_intact_prefix(at: int) -> None:
    whole = read_track(fit(rows()), "x")
    try:
        track = read_track(fit(rows())[:at], "x")
    except RecordingError:
        assert at < len(fit([])) + 2 * 15
        return
    assert track.is_damaged or at >= len(fit(rows())) - 2
    np.testing.assert_array_equal(track.time, whole.time[: len(track.time)])


@given(
    st.binary(max_size=400), st.sampled_from([b"", b"<gpx>", b"\x0e\x10\x34\x08\x05\0\0\0.FIT", gpx(rows(3))[:-9]])
)
def test_any_bytes_are_read_or_refused(noise: bytes, head: bytes) -> None:
    with suppress(RecordingError):
        read_track(head + noise, "x")


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from(["keep", "turn", "blank"])), max_size=6))
def test_damaged_fit_is_read_or_refused(changes) -> None:
    data = bytearray(fit(rows()))
    for at, what in changes:
        data[at % len(data)] ^= {"keep": 0, "turn": 0x80, "blank": data[at % len(data)]}[what]
    try:
        track = read_track(bytes(data), "x")
    except RecordingError:
        return
    assert (np.diff(track.time[track.is_timed]) > 0).all()


def test_points_outside_of_stretches_do_not_matter() -> None:
    text = gpx(rows()).decode().replace("<trk>", '<wpt lat="1" lon="2"/><trk><trkseg></trkseg>')
    assert len(read_track(text.encode(), "x").time) == 20
    assert point(rows(1)[0]).startswith("<trkpt")


REAL = {
    "korita-zbevnica.gpx": (871, 513),
    "cerknicko-jezero.gpx": (296, 296),
    "Mojstrovka.gpx": (184, 0),
    "activity-small-fenix2-run.fit": (2808, 2808),
    "garmin-fenix-5-walk.fit": (17, 17),
    "garmin-fenix-5-run.fit": (21, 21),
}


@pytest.mark.parametrize("name", REAL)
def test_real_files(shared, name: str) -> None:
    track = read_track((shared / "data" / "gpx_fit" / name).read_bytes(), name)
    assert (len(track.time), int(track.is_timed.sum())) == REAL[name]


def test_a_treadmill_has_no_track(shared) -> None:
    name = "20170518-191602-1740899583.fit"
    with pytest.raises(RecordingError, match="indoors"):
        read_track((shared / "data" / "gpx_fit" / name).read_bytes(), name)
