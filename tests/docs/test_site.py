"""The site is complete: commands with all options, public names, columns, sections of the README; links hold."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from test_house import commands
from test_wording import banned

from ankle_imu import tables
from ankle_imu.cli import app

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("words", [*commands()], ids=" ".join)
def test_every_command_has_all_its_options_on_its_page(words: tuple[str, ...], pages: dict[str, str]) -> None:
    page = pages[f"reference/cli/{words[0]}.md"]
    name = " ".join(("ankle-imu", *words))
    (text,) = re.findall(rf"^#+ {name}\n(.*?)(?=^#+ ankle-imu|\Z)", page, re.MULTILINE | re.DOTALL)
    (usage,) = re.findall(r"^```text\n(.+?)\n```$", text, re.MULTILINE)
    assert usage.split()[: len(words) + 2].count(words[-1]) == 1
    assert usage.startswith(name)
    assert re.search(rf"```sh\n(sudo )?{name}\b", text), "no example"
    command = app.build()
    for word in words:
        command = command[word]
    shown = [argument for argument in command.assemble_argument_collection() if argument.show]
    for argument in shown:
        if argument.names[0].startswith("-"):
            assert any(re.search(rf"`[^`]*{re.escape(n)}\b", text) for n in argument.names), argument.names
    assert bool(shown) == ("* `" in text)


def test_every_public_name_is_shown_once(reference: ModuleType, pages: dict[str, str]) -> None:
    from importlib import import_module

    text = "\n".join(page for name, page in pages.items() if name.startswith("reference/python/"))
    shown = re.findall(r"^\.\. (?:auto\w+|py:data):: (\S+)", text, re.MULTILINE)
    assert len(shown) == len(set(shown))
    values = {id(_of(path)) for path in shown}
    missing = [
        f"{package}.{name}"
        for package in reference.public_packages()
        for name in reference.names_of(package)
        if f"{package}.{name}" not in shown and id(getattr(import_module(package), name)) not in values
    ]
    assert missing == []
    assert {"ankle_imu.analyze", "ankle_imu.wire.decode", "ankle_imu.errors.CorruptRecording"} <= set(shown)


def _of(path: str) -> object:
    from importlib import import_module

    try:
        return import_module(path)
    except ModuleNotFoundError:
        home, _, name = path.rpartition(".")
        return getattr(import_module(home), name)


@pytest.mark.parametrize("table", tables.TABLES.values(), ids=lambda t: t.name)
def test_every_column_has_a_row(table: tables.Table, pages: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| ", pages[f"reference/tables/{table.name}.md"], re.MULTILINE)
    assert [name for name, _ in rows] == table.names
    assert all(meaning.strip() for _, meaning in rows)


def test_every_section_of_the_readme_has_a_home(readme: ModuleType, build: ModuleType) -> None:
    known = readme.sections((ROOT / "README.md").read_text("utf-8"))
    assert set(readme.homes(build.written_pages())) == set(known)


def test_every_guide_is_in_the_menu(pages: dict[str, str]) -> None:
    guides = {f"notebooks/guide/{path.stem}" for path in (ROOT / "notebooks" / "guide").glob("*.md")}
    assert guides <= set(pages["index.md"].splitlines())


def test_every_guide_and_every_extra_is_in_the_readme() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    for path in (ROOT / "notebooks" / "guide").glob("*.md"):
        assert f"(notebooks/guide/{path.name})" in text, path.name
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    cells = re.findall(r"^\| (`\w+`(?:, `\w+`)*) \| [^|]+ \|$", text, re.MULTILINE)
    named = set(re.findall(r"\w+", " ".join(cells)))
    assert set(settings["project"]["optional-dependencies"]) <= named


def test_what_a_page_takes_from_the_readme_is_also_linked_for_who_reads_it_in_the_repository(
    readme: ModuleType,
) -> None:
    for path in (ROOT / "notebooks" / "guide").glob("*.md"):
        text = path.read_text("utf-8")
        for is_told, heading in readme.MARK.findall(text):
            assert is_told or f"README.md#{readme.anchor(heading)})" in text, (path.name, heading)


def test_the_glossary_is_in_order() -> None:
    text = (ROOT / "notebooks" / "guide" / "glossary.md").read_text("utf-8")
    words = [re.sub(r"[^a-z ]", " ", word.lower()) for word in re.findall(r"^(\S.*)\n: ", text, re.MULTILINE)]
    assert len(words) > 40
    assert words == sorted(words)


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks" / "guide").glob("*.md")), ids=lambda p: p.stem)
def test_links_of_guides_hold_in_the_repository(path: Path, readme: ModuleType) -> None:
    headings = {
        readme.anchor(h) for h in re.findall(r"^#+ (.+)$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    }
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\((?!\w+:)([^)]+)\)", text):
        name, _, place = link.partition("#")
        assert (path.parent / name).exists(), link
        assert not place or (name.endswith("README.md") and place in headings), link
    for name in re.findall(r"`((?:ankle_imu|data|tests|firmware_notes|\.ci)/[^`\s]*)`", text):
        assert (ROOT / name).exists(), name


def test_no_page_that_was_written_judges(build: ModuleType) -> None:
    for name, text in build.written_pages().items():
        if name.startswith("notebooks/guide/") or "/" not in name:
            assert banned(text) == [], name


def test_a_link_to_a_section_leads_to_its_home(readme: ModuleType) -> None:
    pages = {"index.md": "# A\n\n<!-- README: top -->\n", "signs.md": "<!-- README: Signs -->\n"}
    pages["long.md"] = "# Long\n\n<!-- README, told here: Try it! -->\n\n<!-- README: And so on -->\n"
    known = readme.sections(
        "# A\nHello [x](data/x.md).\n\n## Signs\nplus\n\n## Try it!\nno\n\n## And so on\nyes\n"
    )
    home = readme.homes(pages)
    assert home == {"top": "index.md", "Signs": "signs.md", "Try it!": "long.md", "And so on": "long.md#and-so-on"}
    assert readme.fill(pages["signs.md"], known).startswith("# Signs\nplus")
    assert "no\n" not in readme.fill(pages["long.md"], known)
    assert "## And so on\nyes" in readme.fill(pages["long.md"], known)
    assert "[x](/data/x.md)" in readme.fill(pages["index.md"], known)
    assert readme.relink("[a](../../README.md#and-so-on) [b](README.md)", home) == (
        "[a](/long.md#and-so-on) [b](/index.md)"
    )
    with pytest.raises(ValueError, match="nothing"):
        readme.relink("[a](README.md#nothing)", home)
    with pytest.raises(ValueError, match="Signs"):
        readme.homes({**pages, "more.md": "<!-- README: Signs -->"})
    with pytest.raises(ValueError, match="no section 'Sgns'"):
        readme.fill("<!-- README: Sgns -->", known)


def test_what_is_wrong_with_a_built_site_is_said(finished: ModuleType, tmp_path: Path) -> None:
    good = "<h1 id='top'>A</h1><a href='b.html#x'>b</a><a href='https://doi.org/1'>c</a><img src='data:,'>"
    (tmp_path / "a.html").write_text(good)
    (tmp_path / "b.html").write_text("<p id='x'>b</p>")
    assert finished.problems(tmp_path) == []
    (tmp_path / "a.html").write_text(
        "<a href='b.html#y'></a><a href='c.html'></a><script src='https://far/x.js'></script><img src='no.png'>"
        "<link rel='stylesheet' href='//fonts/x.css'>"
    )
    (tmp_path / "x.css").write_text("@import 'https://far/y.css'; a { background: url(x.png) }")
    assert len(finished.problems(tmp_path)) == 6


def test_what_is_said_of_a_parameter_stands_in_one_piece(on_our_pages: ModuleType) -> None:
    given = ["Parameters", "----------", "**options : of that format: `device`,", "    `rate`", ""]
    lines = [*given, "Returns", "-------", "parts : tuple of str", "    What was read.", "n : int, samples",
             "    of each", ""]  # fmt: skip
    on_our_pages.join_sentences(None, "function", "f", None, None, lines)
    assert lines[2:5] == [r"\*\*options", "    of that format: `device`,", "    `rate`"]
    assert lines[8:] == [
        "parts",
        "    tuple of str.",
        "    What was read.",
        "n",
        "    int, samples",
        "    of each",
        "",
    ]
