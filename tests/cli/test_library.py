"""`library list` with its searches, `tag`, `move`, `reindex`, and ids completed by a real shell."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.cli import list_view
from ankle_imu.cli.app import build
from ankle_imu.library import names_path
from ankle_imu.recording import RecordingWriter, read_session_info, write_session_info
from ankle_imu.values import SensorInfo, SessionInfo

Run = Callable[..., Any]


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Four sessions of two people, none analyzed."""
    root = tmp_path / "library"
    for n, (alias, surface, tags) in enumerate(
        [
            ("P-a", "gravel", ("hill",)),
            ("P-a", "roots", ("hill", "wet")),
            ("P-b", "road", ()),
            ("P-b", "", ("wet",)),
        ]
    ):
        write_session_info(
            root / "people" / alias / "2026" / f"2026-0{n + 1}-01T080000Z_abc{n}",
            SessionInfo(
                alias=alias,
                started_utc=f"2026-0{n + 1}-01T08:00:00Z",
                surface=surface,
                tags=tags,
                note="new boots" if n == 2 else "",
                sensors={"left_foot": SensorInfo(placement="left_foot")},
            ),
        )
    return root


def months(told: dict[str, Any]) -> list[int]:
    return [int(one["session"][5:7]) for one in told["sessions"]]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], [1, 2, 3, 4]),
        (["--person", "P-a"], [1, 2]),
        (["--from", "2026-02"], [2, 3, 4]),
        (["--to", "2026-02-01"], [1, 2]),
        (["--tag", "hill"], [1, 2]),
        (["--tag", "hill", "--tag", "wet"], [2]),
        (["--surface", "oo"], [2]),
        (["--text", "Boots"], [3]),
        (["--kind", "practice"], []),
        (["--gait", "run"], []),
    ],
)
def test_search(ankle_imu: Run, shelf: Path, words: list[str], found: list[int]) -> None:
    told = ankle_imu("library", "list", *words, "--json").json
    assert months(told) == found
    assert told["library"] == str(shelf)


def test_list_json_has_all_of_a_session(ankle_imu: Run, shelf: Path) -> None:
    one = ankle_imu("library", "list", "--json").json["sessions"][1]
    assert one["tags"] == ["hill", "wet"]
    assert Path(one["path"]).is_dir()
    assert (one["result"], one["gaits"], one["sensors"]) == (None, [], ["left_foot"])


@pytest.mark.parametrize("words", [("--gait", "swim"), ("--from", "2026-13"), ("--to", "2026-02-32")])
def test_what_cannot_be_searched_for(ankle_imu: Run, shelf: Path, words: tuple[str, str]) -> None:
    ankle_imu("library", "list", *words).refuses(2, words[1])


def test_nothing_fits(ankle_imu: Run, shelf: Path) -> None:
    done = ankle_imu("library", "list", "--tag", "snow")
    assert (done.code, done.out) == (0, "")
    assert "fits" in done.err
    ankle_imu("library", "list", "--from", "May").refuses(2, "'May'", "2026-05")


def test_thousands_are_listed_as_few_are(ankle_imu: Run, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = ankle_imu("library", "list").lines
    monkeypatch.setattr(list_view, "_FOLDED", 0)
    assert [line.split() for line in ankle_imu("library", "list").lines] == [line.split() for line in few]


def test_names_are_for_eyes_only(ankle_imu: Run, shelf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal names stand beside aliases; not in a pipe, a file or JSON."""
    alias = ankle_imu("library", "list", "--json").json["sessions"][-1]["alias"]
    ankle_imu("library", "name", alias, "Ana")
    for words in (["library", "list"], ["library", "show", "last"]):
        assert "(Ana)" not in ankle_imu(*words).out
        with monkeypatch.context() as seen:
            seen.setattr(sys.stdout, "isatty", lambda: True)
            assert f"{alias} (Ana)" in ankle_imu(*words).out
            assert "(Ana)" not in ankle_imu(*words, "--json").out


def test_tag(ankle_imu: Run, shelf: Path) -> None:
    done = ankle_imu("library", "tag", "last", "physio", "new shoes", "--remove", "wet")
    assert (done.code, done.lines) == (0, ["physio", "new shoes"])
    assert months(ankle_imu("library", "list", "--tag", "new shoes", "--json").json) == [4]
    assert ankle_imu("library", "tag", "last", "--json").json["tags"] == ["physio", "new shoes"]
    ankle_imu("library", "tag", "last", "a", "--remove", "A").refuses(2, "both")
    assert "no tags" in ankle_imu("library", "tag", "2026-03").err


def test_move(ankle_imu: Run, shelf: Path, tmp_path: Path) -> None:
    done = ankle_imu("library", "move", "2026-01", "--person", "P-b")
    moved = Path(done.lines[0])
    assert moved.parents[1].name == read_session_info(moved).alias == "P-b"
    told = ankle_imu("library", "move", "2026-01", "--to", tmp_path / "other", "--json").json
    assert told["from"] == str(moved)
    assert Path(told["files"][0]).is_relative_to(tmp_path / "other" / "people" / "P-b")
    assert months(ankle_imu("library", "list", "--json").json) == [2, 3, 4]
    ankle_imu("library", "move", "last").refuses(2, "--person", "--to")
    ankle_imu("library", "move", "last", "--person", "a/b").refuses(2, "a/b")


def test_a_running_recording_is_not_moved(ankle_imu: Run, shelf: Path, tmp_path: Path) -> None:
    folder = shelf / "people" / "P-b" / "2026" / "2026-12-01T090000Z_abcd"
    folder.mkdir(parents=True)
    with RecordingWriter(folder, start_ns=10**18):
        ankle_imu("library", "move", folder.name, "--to", tmp_path / "other").refuses(5, "is being recorded")
    assert folder.is_dir()


def test_reindex(ankle_imu: Run, shelf: Path) -> None:
    done = ankle_imu("library", "reindex")
    assert done.err == "4 sessions, 0 of them analyzed.\n"
    assert Path(done.lines[0]) == shelf / "index.sqlite"
    told = ankle_imu("library", "reindex", "--json").json
    assert (told["sessions"], told["analyzed"]) == (4, 0)


def test_list_loads_nothing_heavy(ankle_imu: Run, shelf: Path) -> None:
    """A list in step with its index reads no session, so it needs none of what reads them."""
    code = (
        "import sys; from ankle_imu.cli import run; run(['library', 'list']); "
        "print([m for m in ('numpy', 'pandas', 'pyarrow', 'asyncio') if m in sys.modules], file=sys.stderr)"
    )
    for path in shelf.rglob("*"):
        os.utime(path, (1e9, 1e9))
    # the change time cannot be set, so the marks are not sure until it is past
    patience = "import ankle_imu.library.marks as m; m.SETTLED_NS = 0; "
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", patience + code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert len(done.stdout.splitlines()) == 5


SHELLS = {
    "bash": """
source {script}
COMP_WORDS=({words} {word}); COMP_CWORD={at}; COMP_LINE="{words} {word}"; COMP_POINT=${{#COMP_LINE}}
handler=$(complete -p ankle-imu | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$handler ankle-imu {word} ''
printf '%s\\n' "${{COMPREPLY[@]}}"
""",
    "fish": "source {script}; complete --do-complete '{words} {word}'",
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "word", "found"),
    [
        ("ankle-imu analyze", "", ["last", "2026-04", "2026-03", "2026-02", "2026-01"]),
        ("ankle-imu library show", "2026-0", ["2026-04", "2026-03", "2026-02", "2026-01"]),
        ("ankle-imu compare last", "2026-02", ["2026-02"]),
        ("ankle-imu report", "la", ["last"]),
        ("ankle-imu library rm", "2026-02", ["2026-02"]),
        ("ankle-imu library verify 2026-01", "2026-02", ["2026-02"]),
        ("ankle-imu events list", "2025", []),
        ("ankle-imu library move last --person", "", ["P-a", "P-b"]),
        ("ankle-imu trend --person", "P-b", ["P-b"]),
        ("ankle-imu library rm --person", "P-", ["P-a", "P-b"]),
        ("ankle-imu library name", "P-a", ["P-a"]),
    ],
)
def test_the_shell_completes_ids(
    shelf: Path, tmp_path: Path, shell: str, words: str, word: str, found: list[str]
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    program = tmp_path / "bin" / "ankle-imu"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m ankle_imu.cli "$@"\n')
    program.chmod(0o755)
    script = tmp_path / "completion"
    script.write_text(build().generate_completion(shell=shell))
    at = len(words.split())
    code = SHELLS[shell].format(script=script, words=words, word=word or "''", at=at)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run([shell, "-c", code], capture_output=True, text=True, env=os.environ | {"PATH": path})
    offered = [line.split("\t")[0] for line in done.stdout.splitlines() if line]
    assert sorted(line[:7] for line in offered) == sorted(found), done.stderr


def test_aliases_with_a_name_are_offered_too(ankle_imu: Run, shelf: Path, capsys: Any) -> None:
    ankle_imu("library", "name", "P-gone", "Ana")
    build()(["__complete", "library", "name", "P-"])
    offered = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in offered if line.startswith("P-")] == ["P-a", "P-b", "P-gone"]
    names_path().write_text("[")
    build()(["__complete", "library", "list", "--person", "P-"])
    assert "P-gone" not in capsys.readouterr().out


ZSH = """
import os, pty, select, sys, time
pid, terminal = pty.fork()
if pid == 0:
    os.execvp("zsh", ["zsh", "-i"])
def read_until(mark, seconds=30.0):
    seen, end = b"", time.monotonic() + seconds
    while mark not in seen and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 65536)
    return seen.decode(errors="replace")
read_until(b"ready> ")
os.write(terminal, sys.argv[1].encode() + b"\\t")
print(read_until(sys.argv[2].encode()))
os.close(terminal)
"""


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
@pytest.mark.parametrize(
    ("typed", "becomes"),
    [
        ("ankle-imu analyze 2026-03", "ankle-imu analyze 2026-03-01T080000Z_"),
        ("ankle-imu library show 2026-02", "ankle-imu library show 2026-02-01T080000Z_"),
        ("ankle-imu report la", "ankle-imu report last "),
    ],
)
def test_zsh_completes_ids_at_its_prompt(shelf: Path, tmp_path: Path, typed: str, becomes: str) -> None:
    """The tab key in an interactive zsh: the completion file must bear the name that its function has."""
    program = tmp_path / "bin" / "ankle-imu"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m ankle_imu.cli "$@"\n')
    program.chmod(0o755)
    (tmp_path / "_cyclopts_ankle-imu").write_text(build().generate_completion(shell="zsh"))
    start = f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -D; PS1='ready> '\n"
    (tmp_path / ".zshrc").write_text(start)
    path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "ZDOTDIR": str(tmp_path), "TERM": "dumb", "COLUMNS": "120"}
    done = subprocess.run([sys.executable, "-c", ZSH, typed, becomes], capture_output=True, text=True, env=env)
    assert becomes in done.stdout, done.stdout + done.stderr


def test_paths_are_offered_for_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (tmp_path / "walks").mkdir()
    (tmp_path / "walk.mcap").touch()
    build()(["__complete", "analyze", f"{tmp_path}/wa"])
    assert f"{tmp_path}/walk.mcap\n{tmp_path}/walks/\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sensors", "told"),
    [
        ("left_foot left_shank right_foot right_shank", "feet+shanks"),
        ("left_foot right_foot", "feet"),
        ("left_foot left_shank right_foot", "left foot+shank, right foot"),
        ("right_shank", "right shank"),
        ("", ""),
    ],
)
def test_what_is_worn_in_few_words(sensors: str, told: str) -> None:
    assert list_view._worn(sensors) == told
