"""`session.toml`: what is written is read back; what people break is named in one sentence."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ankle_imu import manifest
from ankle_imu.errors import CorruptRecording, UnknownFormatVersion
from ankle_imu.frames import PLACEMENTS
from ankle_imu.values import SensorInfo, SessionInfo

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
sensors = st.dictionaries(
    st.sampled_from(PLACEMENTS),
    st.tuples(texts, texts, numbers, numbers),
    max_size=4,
).map(
    lambda by: {
        p: SensorInfo(placement=p, serial=s, model=m, nominal_rate_hz=r, acc_range_g=a)
        for p, (s, m, r, a) in by.items()
    }
)
infos = st.builds(
    SessionInfo,
    **dict.fromkeys(("session_id", "alias", "kind", "started_utc", "note", "footwear", "importer"), texts),
    tags=st.lists(texts, max_size=3).map(tuple),
    load_kg=st.dictionaries(texts, numbers, max_size=2),
    sensors=sensors,
)


def _same(a: object, b: object) -> bool:
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (math.isnan(a) and math.isnan(b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[k], b[k]) for k in a)
    return a == b


def _plain(info: SessionInfo) -> dict[str, object]:
    return {
        **{name: getattr(info, name) for name in ("session_id", "alias", "kind", "started_utc", "note", "tags")},
        "footwear": info.footwear,
        "importer": info.importer,
        "load_kg": dict(info.load_kg),
        "sensors": {p: asdict(s) for p, s in info.sensors.items()},
    }


@given(infos)
def test_round_trip(info: SessionInfo) -> None:
    assert _same(_plain(manifest.from_toml(manifest.to_toml(info))), _plain(info))


def test_newer_format_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(UnknownFormatVersion, match=r"format_version 2.*update ankle-imu") as caught:
        manifest.from_toml("format_version = 2\n")
    assert caught.value.exit_code == 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "format_version"),
        ("format_version = 1\nnote = 'open", "no valid TOML"),
        ("format_version = 1\nnote = 3", "`note` is 3"),
        ("format_version = 1\ntags = 'hill'", "expected a list"),
        ("format_version = 1\n[sensors.left_hand]\nserial = 'x'", "left_hand"),
        ("format_version = 1\n[sensors.left_foot]\nmount_site = 'toe'", "toe"),
        ("format_version = 1\n[load_kg]\nleft = 'heavy'", "heavy"),
    ],
)
def test_broken_manifest_is_named(text: str, said: str) -> None:
    with pytest.raises(CorruptRecording, match=said):
        manifest.from_toml(text, "session.toml")


def test_unquoted_time_is_understood() -> None:
    info = manifest.from_toml("format_version = 1\nstarted_utc = 2026-11-22T10:00:00+01:00")
    assert info.started_utc == "2026-11-22T09:00:00Z"


def test_session_id_names_the_start_in_utc() -> None:
    name = manifest.new_session_id(datetime(2026, 11, 22, 9, 0, 5, tzinfo=UTC))
    start, letters = name.split("_")
    assert start == "2026-11-22T090005Z"
    assert len(letters) == 4
    assert letters.isalpha()


@pytest.mark.parametrize("alias", ["", "../up", "a/b", ".hidden", "x" * 80, "nul:", "end."])
def test_alias_that_cannot_be_a_folder_is_refused(alias: str) -> None:
    with pytest.raises(ValueError, match="cannot be an alias"):
        manifest.check_alias(alias)
