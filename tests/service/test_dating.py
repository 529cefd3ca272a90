"""When a session truly began, from what its clocks showed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import manifest
from ankle_imu.recording import HostClock, RecordingWriter, read_session_info, write_session_info
from ankle_imu.service.dating import STEP_S, UNSURE, Moment, redate, redate_all, true_start_ns
from ankle_imu.values import SessionInfo

NOW = Moment(utc_ns=1_800_000_000 * 10**9, boot_id="this", boot_s=5000.0)
S = 10**9
YEARS = 10 * 365 * 86400


@given(
    began=st.integers(0, 4000),
    at=st.floats(0, 900),
    off=st.integers(-YEARS, YEARS),
)
def test_in_the_same_boot_the_wall_clock_does_not_matter(began: int, at: float, off: int) -> None:
    """Began at `began` s of this boot; a clock was kept `at` s later, wrong by `off`."""
    true = NOW.utc_ns - (5000 - began) * S
    clock = HostClock(time_s=at, utc_ns=max(0, true + off * S), boot_id="this", boot_s=began + at)
    assert true_start_ns([clock], NOW) == pytest.approx(true, abs=1000)


def test_another_boot_is_dated_by_a_step_of_its_own() -> None:
    true = 1_790_000_000 * S
    clocks = [
        HostClock(time_s=0.0, utc_ns=12 * S, boot_id="before", boot_s=12.0),
        HostClock(time_s=60.0, utc_ns=72 * S, boot_id="before", boot_s=72.0),
        HostClock(time_s=120.0, utc_ns=true + 120 * S, boot_id="before", boot_s=132.0),
    ]
    assert true_start_ns(clocks, NOW) == true
    assert true_start_ns(clocks[:2], NOW) is None, "no step: nobody knows"
    assert true_start_ns([], NOW) is None


def session(root: Path, tags: tuple[str, ...], *, boot: str = "this") -> Path:
    """Began 1000 s after the boot by a clock that says 1970."""
    info = SessionInfo(
        session_id="1970-01-01T001640Z_abcd", alias="P-a", started_utc="1970-01-01T00:16:40Z", tags=tags
    )
    folder = root / "people" / "P-a" / "1970" / info.session_id
    write_session_info(folder, info)
    with RecordingWriter(folder, start_ns=1000 * S, session=manifest.to_toml(info)) as writer:
        writer.note_clock(0.0, 1000 * S, boot, 1000.0)
    return folder


def test_only_what_is_in_doubt_is_dated_anew(tmp_path: Path) -> None:
    sure, unsure = session(tmp_path / "a", ("hill",)), session(tmp_path / "b", ("hill", UNSURE))
    assert not redate(sure, NOW)
    assert redate(unsure, NOW)
    info = read_session_info(unsure)
    assert manifest.parse_utc(info.started_utc).timestamp() == NOW.utc_ns / 1e9 - 4000.0
    assert info.tags == ("hill",)
    assert not redate(unsure, NOW), "once is enough"


def test_a_date_that_was_right_loses_only_its_doubt(tmp_path: Path) -> None:
    folder = session(tmp_path, (UNSURE,))
    near = Moment(utc_ns=5000 * S + round(STEP_S * 0.9 * S), boot_id="this", boot_s=5000.0)
    assert redate(folder, near)
    assert read_session_info(folder).started_utc == "1970-01-01T00:16:40Z"
    assert read_session_info(folder).tags == ()


def test_spoilt_and_running_sessions_keep_no_other_from_its_date(tmp_path: Path) -> None:
    good, other_boot = session(tmp_path, (UNSURE,)), session(tmp_path / "x", (UNSURE,), boot="")
    spoilt = tmp_path / "people" / "P-a" / "1970" / "1970-01-01T000000Z_aaaa"
    spoilt.mkdir()
    (spoilt / "session.toml").write_text(f"tags = [{UNSURE}")
    busy = good.with_name("1970-01-01T001640Z_zzzz")
    info = read_session_info(good)
    write_session_info(busy, info)
    with RecordingWriter(busy, start_ns=1000 * S, session=manifest.to_toml(info)) as writer:
        writer.note_clock(0.0, 1000 * S, "this", 1000.0)
        writer.flush()
        assert redate_all(tmp_path, NOW) == [good]
    assert redate_all(tmp_path, NOW) == [busy]
    assert redate_all(tmp_path / "x", NOW) == []
    assert read_session_info(other_boot).tags == (UNSURE,)
