"""`simulate`, `analyze`, `report`, `trend`, `library`: output, exit code, and what is on the disk afterwards."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


def test_simulate_makes_a_session(ankle_imu: Run, plan: Path, tmp_path: Path) -> None:
    done = ankle_imu("simulate", plan, "--seed", 3, "-o", tmp_path / "mine", "--person", "P-sim")
    assert done.code == 0
    folder = Path(done.lines[0])
    assert (folder / "raw" / "part-0001.mcap").is_file()
    assert (folder / "session.toml").is_file()
    assert folder.is_relative_to(tmp_path / "mine" / "people" / "P-sim")
    assert "left foot and left shank" in done.err


def test_simulate_json_names_what_it_wrote(ankle_imu: Run, plan: Path, tmp_path: Path) -> None:
    told = ankle_imu("simulate", plan, "--json").json
    assert Path(told["files"][0]).is_relative_to(tmp_path / "library")
    assert told["sensors"] == ["left_foot", "left_shank"]
    assert told["alias"].startswith("P-")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope"], "Unknown plan 'nope'"),
        (["nope.toml"], "No plan file nope.toml"),
        (["default", "--person", "a/b"], "a/b"),
        (["default", "--seed", "-1"], "--seed"),
    ],
)
def test_simulate_refuses(ankle_imu: Run, words: list[str], said: str, tmp_path: Path) -> None:
    ankle_imu("simulate", *words).refuses(2, said)
    assert not (tmp_path / "library").exists()


def test_simulate_names_the_wrong_key_of_a_plan(ankle_imu: Run, plan: Path) -> None:
    plan.write_text("durations = 3")
    ankle_imu("simulate", plan).refuses(2, "short.toml", "durations")


def test_analyze_saves_and_shows(ankle_imu: Run, session: Path) -> None:
    shutil.rmtree(session / "derived")
    done = ankle_imu("analyze", "last")
    assert (done.code, done.err) == (0, "")
    assert done.lines[0] == f"{session.name}  P-test  75 s"
    assert done.lines[1].split()[:4] == ["Leg", "Gait", "Strides", "Angle"]
    assert done.lines[2].split()[:2] == ["left", "walk"]
    assert "inversion" in done.lines[2]
    assert done.out.count("–") == 1
    assert (Path(done.lines[-1]) / "summary.parquet").is_file()


def test_analyze_json(ankle_imu: Run, session: Path) -> None:
    told = ankle_imu("analyze", session.name[:12], "--json").json
    (one,) = told["sessions"]
    (leg,) = one["legs"]
    assert (leg["leg"], leg["gait"], leg["angle_source"], leg["alignment"]) == ("left", "walk", "joint", "good")
    assert leg["range_ci_low_deg"] < leg["range_median_deg"] < leg["range_ci_high_deg"]
    assert leg["n_accepted"] >= 25
    assert told["files"] == [one["result"]]
    assert told["failed"] == []


def test_table_fits_80_columns(ankle_imu: Run, session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = ankle_imu("analyze", session).lines[1:3]
    assert len(table[1].split()) == 11
    assert max(map(len, table)) <= 80


def test_one_bad_session_does_not_stop_the_rest(ankle_imu: Run, session: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no session")
    (tmp_path / "empty").mkdir()
    done = ankle_imu("analyze", tmp_path / "notes.txt", session, tmp_path / "empty", "--again")
    assert done.code == 5
    assert session.name in done.lines[0]
    summary, first, second = done.err.splitlines()
    assert summary == "2 of 3 sessions could not be analyzed:"
    assert "notes.txt" in first
    assert "no session folder" in second
    told = ankle_imu("analyze", session, tmp_path / "empty", "--json").json
    assert [f["exit_code"] for f in told["failed"]] == [5]
    assert len(told["sessions"]) == 1


def test_analyze_of_a_single_file_is_shown_but_not_saved(ankle_imu: Run, session: Path, tmp_path: Path) -> None:
    file = shutil.copy(session / "raw" / "part-0001.mcap", tmp_path / "walk.mcap")
    done = ankle_imu("analyze", file)
    assert done.code == 0
    assert "not saved" in done.err
    assert "derived" not in done.out


def test_analyze_refuses_what_is_no_recording(ankle_imu: Run, tmp_path: Path) -> None:
    ankle_imu("analyze", "last").refuses(5, "no sessions")
    (tmp_path / "empty.mcap").write_bytes(b"")
    (tmp_path / "noise.mcap").write_bytes(bytes(range(256)) * 40)
    for name in ("empty.mcap", "noise.mcap", "absent"):
        ankle_imu("analyze", tmp_path / name).refuses(5, name)


def test_half_written_sessions_are_refused(ankle_imu: Run, session: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / ".unfinished-12ab-session"
    shutil.copytree(session, unfinished)
    ankle_imu("analyze", unfinished).refuses(5, "never finished")
    shutil.rmtree(session / "raw")
    for command in ("analyze", "report"):
        shutil.rmtree(session / "derived", ignore_errors=True)
        ankle_imu(command, session).refuses(5, "ended before the first packet")


def test_cut_recording_still_gives_a_result(ankle_imu: Run, session: Path) -> None:
    part = session / "raw" / "part-0001.mcap"
    part.write_bytes(part.read_bytes()[: part.stat().st_size * 3 // 4])
    done = ankle_imu("analyze", session, "--json")
    assert done.code == 0
    assert done.json["sessions"][0]["warnings"]


def test_report_uses_the_saved_result(ankle_imu: Run, session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ankle_imu.analysis.analyze", lambda *_, **__: pytest.fail("analyzed again"))
    done = ankle_imu("report", "last")
    assert (done.code, done.err) == (0, "")
    assert done.lines == [str(session / "report.html")]
    assert "<html" in (session / "report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("quick_page")
def test_report_analyzes_first_where_needed(ankle_imu: Run, session: Path, tmp_path: Path) -> None:
    (derived,) = session.glob("derived/*")
    shutil.rmtree(derived)
    page = tmp_path / "page.html"
    assert ankle_imu("report", session, "-o", page, "--json").json["files"] == [str(page)]
    assert page.is_file()
    (derived / "strides.parquet").write_bytes(b"broken")
    done = ankle_imu("report", session, "-o", page)
    assert done.code == 0
    assert "strides.parquet" in done.err
    before = (derived / "result.json").stat().st_mtime_ns
    os.utime(session / "session.toml", (2e9, 2e9))
    assert ankle_imu("report", session, "-o", page).code == 0
    assert (derived / "result.json").stat().st_mtime_ns == before, "a touched file is no other file"
    ankle_imu("library", "tag", session, "jog")
    assert ankle_imu("report", session, "-o", page).code == 0
    assert (derived / "result.json").stat().st_mtime_ns > before


def test_a_report_is_html_or_pdf(ankle_imu: Run, session: Path, tmp_path: Path) -> None:
    ankle_imu("report", session, "-o", tmp_path / "walk.docx").refuses(2, "walk.docx", ".pdf")
    assert not (tmp_path / "walk.docx").exists()


def test_report_prints_without_a_browser(
    ankle_imu: Run, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ankle_imu.report.printing.find_browsers", lambda: iter(()))
    paper = tmp_path / "walk.pdf"
    done = ankle_imu("report", session, "-o", paper, "--json")
    assert (done.json["files"], done.json["printed_by"]) == ([str(paper)], "matplotlib")
    assert paper.read_bytes().startswith(b"%PDF")


def test_verify_finds_the_page_reproduced_until_something_changes(
    ankle_imu: Run, session: Path, told: Any
) -> None:
    ankle_imu("report", session)
    page = session / "report.html"
    done = ankle_imu("report", session, "--verify")
    assert done.code == 0, done.err
    assert (done.code, done.lines[-1]) == (0, "Reproduced: the recording gives this page.")

    moved = session.parents[3] / "sent.html"
    moved.write_text(page.read_text("utf-8").replace("How good", "How very good"), "utf-8")
    code, content = told("report", str(moved), "--verify")
    assert code == 5
    assert (content["session"], content["reproduced"]) == (str(session), False)
    assert [item["item"] for item in content["items"] if item["holds"] is not True] == [
        "page",
        "text of the page",
    ]

    part = session / "raw" / "part-0001.mcap"
    part.write_bytes(part.read_bytes()[: part.stat().st_size * 3 // 4])
    code, content = told("report", str(session), "--verify")
    wrong = {item["item"] for item in content["items"] if item["holds"] is not True}
    assert code == 5
    assert wrong >= {"file raw/part-0001.mcap", "table strides", "figure curves"}
    assert "page" not in wrong

    shutil.rmtree(session / "raw")
    code, content = told("report", str(session), "--verify")
    assert code == 5
    assert any("not made again" in item["found"] for item in content["items"])


def test_a_note_may_be_edited_after_the_page_was_made(ankle_imu: Run, session: Path, told: Any) -> None:
    ankle_imu("report", session)
    result = (session / "report.html").read_text("utf-8")
    path = session / "session.toml"
    path.write_text(path.read_text().replace('note = ""', 'note = "wet rocks"'))
    assert "wet rocks" in path.read_text()
    ankle_imu("library", "tag", session, "physio")
    code, content = told("report", str(session), "--verify")
    found = {item["item"]: item["found"] for item in content["items"]}
    assert (code, content["reproduced"]) == (0, True), content
    assert found["notes"] == "edited since then: note"
    before = [p.stat().st_mtime_ns for p in sorted(session.glob("derived/*/*"))]
    ankle_imu("report", session)
    assert [p.stat().st_mtime_ns for p in sorted(session.glob("derived/*/*"))] == before, "analyzed again"
    assert "wet rocks" not in result
    assert "wet rocks" in (session / "report.html").read_text("utf-8")


def test_a_forged_page_is_not_reproduced(ankle_imu: Run, session: Path, tmp_path: Path, told: Any) -> None:
    """Sealed anew, and said to be made with other versions, a page with other words still shows."""
    from ankle_imu.report import imprint

    ankle_imu("report", session)
    html = (session / "report.html").read_text("utf-8")
    page = tmp_path / "sent.html"
    for package, words, holds in (
        ("numpy", "How good", True),
        ("numpy", "How very good", False),
        ("ankle_imu", "How very good", None),
    ):
        forged = html.replace("How good", words).replace(f"{package}&#34;: &#34;", f"{package}&#34;: &#34;9")
        shown = f'version of {package}</th><td data-label="Value">'
        forged = forged.replace(shown, f"{shown}9")
        blank = imprint._OWN.sub(lambda m: m[1] + "0" * 64 + m[3], forged, count=1)
        page.write_text(imprint.sealed(blank), "utf-8")
        code, content = told("report", str(page), "--verify")
        found = {item["item"]: item["holds"] for item in content["items"]}
        assert (code, found["page"], found["text of the page"]) == (0 if holds else 5, True, holds)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pdf"], "--pdf"),
        (["--open"], "--open"),
        (["-o", "a.pdf"], "only reads a page"),
        (["-o", "b.html"], "Which"),
    ],
)
def test_verify_takes_nothing_that_it_would_not_heed(
    ankle_imu: Run, tmp_path: Path, words: list[str], said: str
) -> None:
    (tmp_path / "a.html").write_text("<html></html>")
    ankle_imu("report", tmp_path / "a.html", "--verify", *words).refuses(2, said)


def test_verify_says_what_it_cannot_check(ankle_imu: Run, session: Path, tmp_path: Path, told: Any) -> None:
    ankle_imu("report", session, "--verify").refuses(5, "no page")
    (tmp_path / "other.html").write_text("<p>hello</p>")
    ankle_imu("report", tmp_path / "other.html", "--verify").refuses(5, "other.html")
    ankle_imu("report", session, "-o", tmp_path / "page.html")
    code, content = told("report", str(tmp_path / "page.html"), "--verify", "--library", str(tmp_path))
    assert code == 5
    assert [i["found"] for i in content["items"] if i["holds"] is None] == [
        f"{session.name} is not in this library"
    ]


@pytest.mark.usefixtures("quick_page")
@pytest.mark.parametrize("change", ["old track", "new track", "own limits", "answers"])
def test_report_analyzes_again_after_a_change(
    ankle_imu: Run, session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    """What a person lays beside the recording counts, a track with the age of the walk, too; and only once."""
    from ankle_imu import analysis

    runs: list[float] = []
    analyze = analysis.analyze

    def counted(recording: Any, settings: Any = None, progress: Any = None) -> Any:
        runs.append(settings.roll_deg)
        return analyze(recording, settings, progress)

    monkeypatch.setattr("ankle_imu.analysis.analyze", counted)
    written = (next(session.glob("derived/*")) / "result.json").stat().st_mtime
    if change == "own limits":
        (session.parents[1] / "person.toml").write_text("[own_roll_limits]\nroll_deg = 24.0\n")
    else:
        file = session / ("events.toml" if change == "answers" else "track.gpx")
        file.write_text("format_version = 1\n" if change == "answers" else "<gpx></gpx>")
        at = written + (-9e4 if change == "old track" else 5.0)
        os.utime(file, (at, at))
    page = tmp_path / "page.html"
    assert ankle_imu("report", session, "-o", page).code == 0
    assert runs == [24.0 if change == "own limits" else 20.0]
    if change in ("old track", "own limits"):
        assert ankle_imu("report", session, "-o", page).code == 0
        assert len(runs) == 1
    (session.parents[1] / "person.toml").write_text("[[")
    ankle_imu("report", session, "-o", page).refuses(5, "person.toml")


@pytest.mark.usefixtures("quick_page")
def test_report_of_a_result_whose_recording_is_elsewhere(ankle_imu: Run, session: Path, tmp_path: Path) -> None:
    shutil.rmtree(session / "raw")
    done = ankle_imu("report", session, "-o", tmp_path / "page.html")
    assert done.code == 0
    assert "saved result is used as it is" in done.err


@pytest.mark.usefixtures("quick_page")
def test_report_opens_the_browser(ankle_imu: Run, session: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    ankle_imu("report", session, "--open")
    assert opened == [(session / "report.html").as_uri()]


def test_trend_where_nothing_can_be_written(ankle_imu: Run, library: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ankle_imu("trend", "-o", tmp_path / "file" / "page.html").refuses(6, "is not a folder")


def test_trend_shows_and_draws(ankle_imu: Run, library: Path) -> None:
    done = ankle_imu("trend")
    assert (done.code, done.err) == (0, "")
    assert done.lines[0].startswith("Side-to-side range in stance, deg  P-test  walk, foot and shank sensor")
    assert [line.split()[0] for line in done.lines[2:4]] == ["2026-11-01", "2026-11-08"]
    assert Path(done.lines[-1]) == library / "people" / "P-test" / "trend_range_stance_deg.html"
    assert Path(done.lines[-1]).is_file()


def test_trend_json_and_picture(ankle_imu: Run, walked: Path, tmp_path: Path) -> None:
    picture = tmp_path / "speed.png"
    words = ("--person", "P-test", "--metric", "speed_mps", "-o", picture, "--library", walked)
    told = ankle_imu("trend", *words, "--json").json
    assert (told["metric"], told["unit"], len(told["points"])) == ("speed_mps", "m/s", 2)
    assert told["files"] == [str(picture)]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_trend_tells_index_breaks_and_ladder(ankle_imu: Run, library: Path) -> None:
    told = ankle_imu("trend", "--json").json
    assert {one["ladder"] for one in told["ladder"]["rungs"]} <= {"surface", "gait", "load"}
    assert {one["leg"] for one in told["index"]} == {"left"}
    assert all("300 are needed" in one["reason"] for one in told["index"])
    assert told["breaks"] == []
    assert {"adjusted", "adjusted_low", "overlap"} <= set(told["points"][0])
    _, last = sorted(library.glob("people/P-test/2026/*"))
    manifest = last / "session.toml"
    text = manifest.read_text("utf-8")
    assert 'firmware = ""' in text
    manifest.write_text(text.replace('serial = "SIM-0001"', 'serial = "OTHER"'), encoding="utf-8")
    (broken,) = ankle_imu("trend", "--json").json["breaks"]
    assert (broken["leg"], broken["word"]) == ("left", "sensor")


def test_trend_of_the_index_refuses_with_the_reason(ankle_imu: Run, library: Path) -> None:
    ankle_imu("trend", "--metric", "index").refuses(7, "No session has an index yet", "300 are needed")


def test_trend_refuses(ankle_imu: Run, library: Path, tmp_path: Path) -> None:
    ankle_imu("trend", "--library", tmp_path / "none").refuses(7, "no sessions")
    ankle_imu("trend", "--metric", "beauty").refuses(2, "beauty")
    ankle_imu("trend", "--person", "P-else").refuses(7, "P-else")
    ankle_imu("trend", "-o", tmp_path / "x.pdf").refuses(2, ".pdf")
    first, last = sorted(library.glob("people/P-test/2026/*"))
    shutil.rmtree(last)
    ankle_imu("trend").refuses(7, "at least 2")
    shutil.rmtree(first / "derived")
    ankle_imu("trend").refuses(7, "ankle-imu analyze")


def test_trend_tells_what_was_left_out_and_asks_who(ankle_imu: Run, library: Path, session: Path) -> None:
    extra = session.with_name("2026-11-09T090000Z_abcd")
    shutil.copytree(session, extra, ignore=shutil.ignore_patterns("derived"))
    assert "ankle-imu analyze 2026-11-09T090000Z_abcd" in ankle_imu("trend").err
    shutil.copytree(library / "people" / "P-test", library / "people" / "P-other")
    ankle_imu("trend").refuses(2, "--person", "P-other, P-test")


def test_library_list(ankle_imu: Run, session: Path) -> None:
    done = ankle_imu("library", "list")
    assert done.code == 0
    assert done.lines[2].split() == [session.name, "P-test", "walk", "left", "foot+shank", "uneven", "yes"]
    shutil.rmtree(session / "derived")
    (session / "session.toml").write_text("{broken")
    done = ankle_imu("library", "list")
    assert "cannot be read" in done.out
    assert session.name in done.err
    told = ankle_imu("library", "list", "--json").json
    assert len(told["sessions"]) == 2
    assert sum(bool(s["problem"]) for s in told["sessions"]) == 1


def test_empty_library_is_no_error(ankle_imu: Run, tmp_path: Path) -> None:
    done = ankle_imu("library", "list")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"The library at {tmp_path / 'library'} holds no sessions yet.\n"
    assert ankle_imu("library", "list", "--json").json["sessions"] == []


def test_library_show(ankle_imu: Run, session: Path) -> None:
    done = ankle_imu("library", "show", "last")
    assert done.code == 0
    for word in (str(session), "SIM-0001", "above_ankle", "104 Hz", "inversion"):
        assert word in done.out
    told = ankle_imu("library", "show", session, "--json").json
    assert told["info"]["sensors"]["left_foot"]["serial"] == "SIM-0001"
    part = session / "raw" / "part-0001.mcap"
    assert told["raw"] == {"files": 1, "bytes": part.stat().st_size}
    (result,) = session.glob("derived/*")
    assert told["results"] == [{"settings": result.name, "is_newest": True}]
    assert f"{result.name} (newest)" in done.out
    assert told["track"] is None
    (session / "track.gpx").write_text("<gpx/>")
    assert ankle_imu("library", "show", session, "--json").json["track"] == str(session / "track.gpx")
    assert told["result"]["legs"]
    shutil.rmtree(session / "derived")
    assert "ankle-imu analyze" in ankle_imu("library", "show", session).err
    (session / "session.toml").write_text("{broken")
    ankle_imu("library", "show", session).refuses(5, "session.toml")


def test_library_show_of_a_file_says_what_to_use(ankle_imu: Run, tmp_path: Path) -> None:
    (tmp_path / "part-0001.mcap").write_bytes(b"x")
    ankle_imu("library", "show", tmp_path / "part-0001.mcap").refuses(5, "single file")


def test_library_page_links_to_the_reports_there_are(ankle_imu: Run, session: Path, told: Any) -> None:
    root = session.parents[3]
    ankle_imu("report", session)
    code, content = told("library", "page")
    assert (code, content["files"]) == (0, [str(root / "library.html")])
    text = (root / "library.html").read_text("utf-8")
    links = re.findall(r'href="([^"#]*)"', text)
    assert [(root / link).resolve() for link in links] == [(session / "report.html").resolve()]
    assert text.count('<svg class="spark"') == len(content["people"])
    ankle_imu("library", "page", "-o", root / "page.txt").refuses(2, "page.txt")
    assert ankle_imu("library", "page", "--library", root / "none", "-o", root / "empty.html").code == 0
    assert "no sessions yet" in (root / "empty.html").read_text("utf-8")
