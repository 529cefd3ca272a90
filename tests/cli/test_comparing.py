"""`compare`: output, exit code, what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu._version import package_version
from ankle_imu.library import save_result
from ankle_imu.library.derived import read_table, write_table
from ankle_imu.manifest import to_toml
from ankle_imu.metrics.summary import summarize
from ankle_imu.settings import Settings
from ankle_imu.validation.stride_tables import Outing, Person, make_session
from ankle_imu.values import SensorInfo, SessionInfo, SessionResult

Run = Callable[..., Any]
BANNED = r"\b(risk|diagnos\w*|injur\w*|healthy|normal)\b"


def put(root: Path, day: int, alias: str = "P-test", **outing: Any) -> Path:
    """A made-up walk of 1500 strides as an analyzed session of a library."""
    made = make_session(Person(session_log=0.0), Outing(n_strides=1500, **outing), day).session
    started = (datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(days=day)).isoformat().replace("+00:00", "Z")
    name = f"2026-03-{1 + day:02d}T090000Z_abcd"
    info = SessionInfo(
        session_id=name,
        alias=alias,
        started_utc=started,
        footwear=str(outing.get("shoe", "boots")),
        sensors={p: SensorInfo(placement=p, mount_site=m) for p, m in (("left_foot", "instep"),)},
    )
    folder = root / "people" / alias / "2026" / name
    folder.mkdir(parents=True)
    (folder / "session.toml").write_text(to_toml(info), "utf-8")
    blank = {t.name: tables.make_table(t, {}) for t in (tables.ANGLES, tables.BOUTS, tables.TRACK)}
    save_result(
        folder,
        SessionResult(
            **blank,
            strides=made.strides,
            context=made.context,
            events=made.events,
            summary=summarize(made.strides),
            quality={"sensors": {}, "alignment": {}, "sync": {}, "unmeasurable": {}, "warnings": []},
            settings=Settings(),
            session=info,
            version=package_version(),
            duration_s=1700.0,
            sampling_rate=104.0,
        ),
    )
    return folder


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    root = tmp_path / "library"
    return put(root, 0), put(root, 7, effect_log=float(np.log(0.55)), shoe="sandals")


def test_it_says_what_changed_and_what_could_not_be_compared(ankle_imu: Run, two: tuple[Path, Path]) -> None:
    done = ankle_imu("compare", *two)
    assert (done.code, done.err) == (0, "")
    assert done.lines[1].split()[:3] == ["Leg", "Gait", "Figure"]
    assert (
        "Walking, left leg. Changed by more than two walks differ by anyway: unevenness of stride time" in done.out
    )
    assert "steadier" in done.out
    assert "The shoes differ: boots, then sandals" in done.out
    assert "All figures are given at the ground of the first session" in done.out
    assert re.search(BANNED, done.out, re.IGNORECASE) is None


def test_ids_and_last_name_sessions_too(ankle_imu: Run, two: tuple[Path, Path]) -> None:
    assert ankle_imu("compare", "2026-03-01", "last").out == ankle_imu("compare", *two).out


def test_json_holds_the_same(ankle_imu: Run, two: tuple[Path, Path]) -> None:
    told = ankle_imu("compare", *two, "--json").json
    assert (told["before"], told["after"]) == (two[0].name, two[1].name)
    rows = {row["measure"]: row for row in told["differences"]}
    assert rows["stride_time_log_sd"]["verdict"] == "changed"
    assert rows["stride_time_log_sd"]["high"] < 0.0
    assert rows["range_stance_deg"]["limit"] == 4.0
    assert rows["successive_inv_excursion_deg"]["limit"] is None
    assert told["cautions"]
    assert told["files"] == []


@pytest.mark.parametrize("name", ["page.html", "picture.png", "picture.svg"])
def test_it_writes_a_page_or_a_picture(ankle_imu: Run, two: tuple[Path, Path], tmp_path: Path, name: str) -> None:
    told = ankle_imu("compare", *two, "-o", tmp_path / name, "--json").json
    assert told["files"] == [str(tmp_path / name)]
    assert (tmp_path / name).stat().st_size > 5000
    if name.endswith("html"):
        page = (tmp_path / name).read_text("utf-8")
        assert page.count("data-name=") == 1
        assert "http" not in re.sub(r"http://www.w3.org\S*", "", page)
        assert re.search(BANNED, page.partition("</style>")[2], re.IGNORECASE) is None
        assert "What this cannot tell you" in page


def test_refusals(ankle_imu: Run, two: tuple[Path, Path], tmp_path: Path) -> None:
    ankle_imu("compare", two[0], two[0]).refuses(2, "two different")
    ankle_imu("compare", two[0]).refuses(2, "SESSION")
    ankle_imu("compare", *two, "-o", tmp_path / "page.pdf").refuses(2, ".pdf", ".html")
    other = put(tmp_path / "library", 9, alias="P-else")
    ankle_imu("compare", two[0], other).refuses(2, "P-else", "one person")


def test_too_little_data_is_refused_with_the_reason(ankle_imu: Run, library: Path) -> None:
    """Two analyses of 75 s."""
    first, second = sorted(library.glob("people/P-test/2026/*"))
    ankle_imu("compare", first, second).refuses(7, "cannot be compared", "left leg, walk", "are needed")


def test_without_strides_in_one_walk_it_says_so(ankle_imu: Run, two: tuple[Path, Path]) -> None:
    folder = next(two[1].glob("derived/*"))
    strides = read_table(folder, tables.STRIDES)
    write_table(folder, tables.STRIDES, strides.assign(accepted=False))
    ankle_imu("compare", *two).refuses(7, "only the first session has accepted strides")
