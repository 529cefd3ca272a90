"""`practice`: what the commands say, keep and refuse, with simulated sensors and an accelerated clock."""

from __future__ import annotations

from pathlib import Path

import pytest

from ankle_imu.cli import practising_run as runs
from ankle_imu.cli.practice_loads import parse_load
from ankle_imu.cli.practising_view import HINT, draw
from ankle_imu.mobility import SESSION_KIND
from ankle_imu.practice.coach import Coach
from ankle_imu.practice.routine import make_step
from ankle_imu.report import imprint
from ankle_imu.report.practice_page import practice_html
from ankle_imu.report.practice_words import judge_practice
from ankle_imu.values import SessionInfo

FAST = ("--simulate", "both", "--fast", "--person", "P-test")


def test_rom_measures_and_keeps_a_session(ankle_imu):
    done = ankle_imu("practice", "rom", "--action", "dorsiflexion", "--no-lunge", *FAST)
    assert done.code == 0, done.err
    page = Path(done.lines[-1])
    assert page.name == "report.html"
    assert page.is_file()
    assert any(line.startswith("left dorsiflexion") for line in done.lines)
    assert "Pull the toes up towards the shin." in done.err
    shown = ankle_imu("library", "show", "last", "--json").json
    assert shown["info"]["kind"] == SESSION_KIND
    assert shown["info"]["tags"] == ["simulated"]
    assert shown["result"]["ranges"][0]["gap_deg"] == pytest.approx(5.0, abs=3.0)
    assert ankle_imu("library", "list", "--kind", "practice", "--json").json["sessions"][0]["result"]
    assert ankle_imu("analyze", "last").code == 0
    again = ankle_imu("report", "last")
    assert (again.code, Path(again.lines[0])) == (0, page)


def test_a_hold_against_a_weight_is_compared_with_like(ankle_imu):
    words = ("--load", "ankle-weight:1.5", "--knee", "straight", "--json", *FAST)
    told = ankle_imu("practice", "hold", "--action", "inversion", "--seconds", "6", *words).json
    assert {(r["load"], r["load_kg"]) for r in told["holds"]} == {("ankle_weight", 1.5)}
    assert len(told["holds"]) == 2
    assert told["time_under_tension_s"] == pytest.approx(12.0, rel=0.15)
    assert told["ranges"][0]["load"] == "none"
    assert told["ended_early"] is None
    info = ankle_imu("library", "show", told["session"], "--json").json["info"]
    assert info["tags"] == ["simulated", "knee-straight"]
    assert info["load_kg"] == {"left": 1.5}


def test_balance_of_both_legs_with_a_foot_sensor_alone(ankle_imu):
    told = ankle_imu(
        "practice", "balance", "--side", "both", "--eyes", "open", "--seconds", "8", "--ground", "foam",
        "--simulate", "foot", "--fast", "--json",
    ).json  # fmt: skip
    assert {(r["leg"], r["segment"]) for r in told["sway"]} == {("left", "foot"), ("right", "foot")}
    assert ankle_imu("library", "show", "last", "--json").json["info"]["surface"] == "foam"


def test_a_plan_of_ones_own_is_followed(ankle_imu, tmp_path):
    path = tmp_path / "mine.toml"
    assert ankle_imu("practice", "plan", "-o", path).code == 0
    ankle_imu("practice", "plan", "-o", path).refuses(2, "there already")
    checked = ankle_imu("practice", "plan", "--check", path)
    assert "min for one side" in checked.out
    bare = tmp_path / "bare.toml"
    bare.write_text('[[block]]\nexercise = "hold"\naction = "inversion"\n')
    checked = ankle_imu("practice", "plan", "--check", bare)
    assert "1 block," in checked.out
    assert "no neutral pose" in checked.out
    assert len(ankle_imu("practice", "plan", "--check", bare, "--json").json["remarks"]) == 3
    path.write_text('[[block]]\nexercise = "neutral"\n[[block]]\nexercise = "swing"\nsay = "As you like it."\n')
    done = ankle_imu("practice", "guided", "--plan", path, *FAST)
    assert done.code == 0, done.err
    assert "As you like it." in done.err


def test_bad_plans_and_words_are_refused_in_one_sentence(ankle_imu, tmp_path):
    path = tmp_path / "bad.toml"
    path.write_text('[[block]]\nexercise = "rom"\naction = "upwards"\n')
    ankle_imu("practice", "guided", "--plan", path).refuses(2, "line 3", "upwards")
    ankle_imu("practice", "guided", "--plan", tmp_path / "none.toml").refuses(2, "There is no plan")
    ankle_imu("practice", "guided", "--load", "band").refuses(2, "block by block")
    ankle_imu("practice", "balance", "--fast").refuses(2, "--fast goes with --simulate")
    ankle_imu("practice", "balance", "--simulate", "both", "--over", "last").refuses(2, "Choose one")
    ankle_imu("practice", "balance", "--load", "piano:1", "--simulate", "both").refuses(2, "--load 'piano:1'")
    for one, other in (("band", "ankle-weight:5"), ("blanket:5", "blanket:8"), ("body:0.5", "water")):
        loads = ("--load", one, "--load", other)
        ankle_imu("practice", "balance", *loads, "--simulate", "both").refuses(2, f"'{other}' comes on top")
    ankle_imu("practice", "rom", "--reps", "20", "--simulate", "both", "--fast").refuses(2, "at most 20 min")
    ankle_imu("practice", "rom", "--reps", "0", "--simulate", "both", "--fast").refuses(2, "reps is 0")
    ankle_imu("practice", "balance", "--seconds", "1", "--simulate", "both", "--fast").refuses(2, "seconds is 1")


def test_practice_is_no_walk(ankle_imu, library):
    assert ankle_imu("practice", "balance", "--eyes", "open", "--seconds", "5", *FAST).code == 0
    for words in (("compare", "last", "last"), ("events", "list", "last")):
        ankle_imu(*words).refuses(5, "is a session of practice")
    assert ankle_imu("library", "show", "last", "--json").json["result"]["kind"] == "practice"
    assert ankle_imu("analyze", "--all").code == 0
    assert ankle_imu("library", "page").code == 0
    head, *rows = ankle_imu("library", "list").lines
    at = head.index("Kind")
    assert {row[at:].split()[0] for row in rows} == {"practice", "walk"}


@pytest.fixture
def told(ankle_imu):
    """Runs `report --verify`; gives the exit code and whether each item holds."""

    def run(*words: str) -> tuple[int, dict[str, bool | None]]:
        done = ankle_imu("report", *words, "--verify", "--json")
        return done.code, {item["item"]: item["holds"] for item in done.json["items"]}

    return run


def test_a_page_of_practice_is_made_again_from_the_recording(ankle_imu, told, tmp_path):
    rom = ankle_imu("practice", "rom", "--action", "inversion", "--mode", "active", *FAST, "--json").json
    folder, page = (Path(one) for one in rom["files"])
    code, found = told("last")
    assert (code, set(found.values())) == (0, {True})
    assert {"file raw/part-0001.mcap", "table reps", "table angles", "table quality", "figure ranges"} <= set(
        found
    )

    ankle_imu("library", "tag", "last", "physio")
    note = folder / "session.toml"
    note.write_text(note.read_text().replace('note = ""', 'note = "after the hike"'))
    assert told(str(page))[0] == 0, "notes may be edited"
    assert "physio" not in page.read_text("utf-8")

    html = page.read_text("utf-8")
    sent = tmp_path / "sent.html"
    for words, package, holds in (
        ("How far it went", "numpy", True),
        ("How very far it went", "numpy", False),
        ("How very far it went", "ankle_imu", None),
    ):
        forged = html.replace("How far it went", words).replace(
            f"{package}&#34;: &#34;", f"{package}&#34;: &#34;9"
        )
        shown = f'version of {package}</th><td data-label="Value">'
        forged = forged.replace(shown, f"{shown}9")
        sent.write_text(forged, "utf-8")
        assert told(str(sent))[1]["page"] is False, "whoever edits it breaks the seal"
        blank = imprint._OWN.sub(lambda m: m[1] + "0" * 64 + m[3], forged, count=1)
        sent.write_text(imprint.sealed(blank), "utf-8")
        code, found = told(str(sent))
        assert (code, found["page"], found["text of the page"]) == (0 if holds else 5, True, holds)

    digest = imprint.read_imprint(html).tables["reps"]
    blank = imprint._OWN.sub(lambda m: m[1] + "0" * 64 + m[3], html.replace(digest, "5" * 64), count=1)
    sent.write_text(imprint.sealed(blank), "utf-8")
    code, found = told(str(sent))
    assert (code, found["page"], found["table reps"], found["table holds"]) == (5, True, False, True)

    part = folder / "raw" / "part-0001.mcap"
    part.write_bytes(part.read_bytes()[: part.stat().st_size * 3 // 4])
    code, found = told("last")
    wrong = {name for name, holds in found.items() if holds is not True}
    assert code == 5
    assert wrong >= {"file raw/part-0001.mcap", "table reps", "figure ranges"}
    assert "page" not in wrong


def test_a_walk_is_no_practice(ankle_imu, session):
    ankle_imu("practice", "report", session).refuses(5, "no session of practice")


@pytest.mark.parametrize(
    "text", ["ankle-weight", "ankle-weight:heavy", "body:2", "blanket:-1", "ankle-weight:nan"]
)
def test_a_load_needs_its_number(text):
    with pytest.raises(ValueError, match="needs a number"):
        parse_load([text])


def asked(root: Path) -> runs.Asked:
    steps = (
        make_step(exercise="neutral"),
        make_step(exercise="swing"),
        *(make_step(exercise="rom", action=a) for a in ("dorsiflexion", "inversion")),
    )
    return runs.Asked(steps=steps, pain_stop=5, root=root, info=SessionInfo(kind=SESSION_KIND, alias="P-test"))


def test_pause_skip_and_pain_are_in_the_session(tmp_path):
    from ankle_imu.batch import analyze_and_save_practice

    # neutral 4-18, swing 18-37, dorsiflexion 37-72 (from 45 on), inversion 72-108 (from 80 on)
    folder, coach = runs.run_fast(
        asked(tmp_path), ("foot", "shank"), [(30.0, "s"), (60.0, ""), (66.0, ""), (100.0, "7")]
    )
    result, _ = analyze_and_save_practice(folder)
    assert list(result.blocks["exercise"]) == ["neutral", "swing", "rom", "rom"]
    assert coach.skipped == ["Left swings of the lower leg"]
    assert coach.stopped == "pain 7"
    assert result.blocks["end_s"].iloc[-1] == pytest.approx(100.0, abs=0.01)
    assert [(n["time_s"], n["text"]) for n in result.quality["notes"]] == [(pytest.approx(100.0), "pain 7")]
    assert "You told of pain 7 of 10 at 1:40." in judge_practice(result).lines
    assert ">pain 7<" in practice_html(result)


def test_a_routine_left_paused_ends(tmp_path):
    coach = Coach(asked(tmp_path).steps, 5)
    markers, end = runs.lead(coach, lambda said: None, [(10.0, "")])
    assert coach.is_over
    assert end == 10.0
    assert markers[-1].text == "practice end"


def test_a_recorded_session_is_marked_afterwards(ankle_imu, tmp_path):
    from dataclasses import replace

    from ankle_imu.session_io import save_simulation

    order = asked(tmp_path / "library")
    markers, end = runs.lead(Coach(order.steps, 5, 20.0), lambda said: None)
    walked = replace(runs.simulated(order, ("foot", "shank"), markers, end), markers=())
    info = replace(walked.session, kind="walk", alias="P-test")
    folder = save_simulation(walked, tmp_path / "library", info=info)
    words = ("practice", "rom", "--action", "dorsiflexion", "--mode", "active", "--no-lunge", "--over", folder)
    done = ankle_imu(*words, "--at", "20", "--json")
    assert done.code == 0, done.err
    assert done.json["ranges"][0]["active_n"] == 3
    ankle_imu(*words).refuses(2, "marked already")
    assert ankle_imu("library", "show", "last", "--json").json["info"]["kind"] == SESSION_KIND


def test_a_session_too_short_for_the_routine_is_refused(ankle_imu, session):
    ankle_imu("practice", "guided", "--over", session).refuses(2, "ends at")
    for at in ("nan", "-5", "inf"):
        ankle_imu("practice", "balance", "--over", session, "--at", at).refuses(2, f"--at is {at}; expected")


def test_the_screen_shows_what_to_do():
    from rich.console import Console

    coach = Coach((make_step(exercise="hold", action="inversion"), make_step(exercise="balance")), 5)
    said = coach.advance(12.5)
    console = Console(width=80)
    with console.capture() as got:
        console.print(draw(coach.scene(12.5), said[-1].words, "foot turned 12 deg from the neutral pose", "", ""))
    text = got.get()
    for part in ("1 of 2   Left inversion, held", "HOLD", "1 of 2", "12 deg", "Next: Left standing", HINT[:20]):
        assert part in text
    coach.pause(13.0)
    with console.capture() as got:
        console.print(draw(coach.scene(13.0), "", typing="3"))
    assert "PAUSED" in got.get()
    assert "> 3_" in got.get()


def test_in_real_time_sensors_are_recorded_while_it_is_said(tmp_path, monkeypatch):
    """A few seconds of it: the virtual radio keeps the clock of the wall."""
    from ankle_imu.cli.practising_live import run_live
    from ankle_imu.cli.practising_sensors import simulated_sensors

    monkeypatch.setattr(runs, "LEAD_S", 1.5)
    steps = (make_step(exercise="neutral", prepare_s=1.0, seconds=3.0),)
    order = runs.Asked(
        steps=steps, pain_stop=5, root=tmp_path, info=SessionInfo(kind=SESSION_KIND, alias="P-test")
    )
    captured, coach, _ = run_live(order, simulated_sensors(order, ("foot",)))
    assert coach.is_over
    assert captured.folder is not None
    from ankle_imu import open_session

    texts = [m.text for m in open_session(captured.folder).markers]
    assert texts == ["practice neutral seated", "practice end"]


def test_the_live_tilt_is_that_of_gravity():
    import numpy as np

    from ankle_imu.cli.live_tilt import LiveTilt
    from ankle_imu.devices.adapter import Stream
    from ankle_imu.wire import ankle

    live = LiveTilt()
    stream = Stream(
        protocol="ankle", config={"acc_range_g": 16.0, "gyr_range_dps": 2000.0, "nominal_rate_hz": 100.0}
    )
    time = np.arange(0.0, 6.0, 0.01)
    angle = np.radians(np.where(time < 3.0, 0.0, 25.0))
    acc = 9.81 * np.column_stack([np.sin(angle), 0.0 * angle, np.cos(angle)])
    assert live.words("left", "rom") == ""
    for at, payload in ankle.encode(time, acc, 0.0 * acc, acc_range_g=16.0, gyr_range_dps=2000.0):
        if at > 3.0 and not live._neutral:
            live.set_neutral()
        live.take("left_foot", stream, at, payload)
    assert live.words("left", "rom") == "foot turned 25 deg from the neutral pose"
    assert live.words("left", "lunge") == ""
    assert live.words("right", "rom") == ""


def test_weeks_of_practice_stand_beside_the_walks(ankle_imu, library, tmp_path):
    words = ("practice", "hold", "--action", "inversion", "--seconds", "6", "--load", "blanket:10", *FAST)
    assert ankle_imu(*words).code == 0
    done = ankle_imu("practice", "trend", "--action", "inversion", "--person", "P-test", "--json").json
    assert [p["leg"] for p in done["active"]] == ["left"]
    assert done["rungs"][0]["words"] == "thick blanket (10 cm)"
    assert len(done["stability"]) == 2
    assert Path(done["files"][0]).is_file()
    shown = ankle_imu("practice", "trend", "--action", "inversion", "--person", "P-test", "-o", tmp_path / "t.png")
    assert shown.code == 0
    assert any("Walks: range in stance" in line for line in shown.lines)
    ankle_imu("practice", "trend", "--action", "lunge", "--person", "P-test").refuses(7, "there is inversion")
    ankle_imu("practice", "trend", "--action", "inversion", "--person", "P-test", "-o", "t.doc").refuses(
        2, "t.doc"
    )
    assert ankle_imu("trend", "--person", "P-test").code in (0, 7)
