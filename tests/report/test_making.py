"""What a page says of its making, and a page on paper."""

from __future__ import annotations

import io
import re
import stat
from dataclasses import replace

import pytest

from ankle_imu.errors import RecordingError
from ankle_imu.report import imprint, page, paper, printing

pypdf = pytest.importorskip("pypdf", reason="pypdf reads the PDFs")


@pytest.fixture(scope="module")
def few(make_result):
    return make_result(sensors=("left_foot", "left_shank"), plan=(("walk", 60),))


@pytest.fixture(scope="module")
def html(few):
    return page.report_html(few, files={"raw/part-0001.mcap": "ab" * 32})


def test_a_page_tells_what_made_it(few, html):
    made = imprint.read_imprint(html)
    assert made.session == few.session.session_id
    assert made.settings == few.settings
    assert made.files == {"raw/part-0001.mcap": "ab" * 32}
    assert set(made.tables) >= {"strides", "angles", "summary", "gaps", "quality"}
    assert {"quality", "curves", "excursions", "timeline", "event-1"} <= set(made.figures)
    assert made.versions["numpy"]


def test_one_letter_more_shows(html):
    assert imprint.is_unchanged(html)
    assert not imprint.is_unchanged(html.replace("Quite", "Very").replace("Take with", "Need no"))
    assert not imprint.is_unchanged(html + " ")


def test_one_value_more_shows(few):
    before = imprint.table_digests(few)
    strides = few.strides.copy()
    strides.loc[3, "range_stance_deg"] += 1e-9
    after = imprint.table_digests(replace(few, strides=strides))
    assert {name for name in before if before[name] != after[name]} == {"strides"}
    quality = {**few.quality, "warnings": ["another"]}
    assert imprint.table_digests(replace(few, quality=quality))["quality"] != before["quality"]


def test_a_result_read_back_draws_the_same(few, html, tmp_path):
    from ankle_imu.library import load_result, save_result

    save_result(tmp_path, few)
    assert page.report_html(load_result(tmp_path), files={"raw/part-0001.mcap": "ab" * 32}) == html


@pytest.mark.parametrize(
    "spoil",
    [
        lambda html: html.replace("ankle-imu-imprint", "other"),
        lambda html: re.sub(r"settings&#34;: \{", "settings&#34;: {&#34;more&#34;: 1, ", html),
        lambda html: html.replace("format_version&#34;: 1", "format_version&#34;: 99"),
        lambda html: re.sub(r'imprint" content="[^"]*"', 'imprint" content="[1"', html),
        lambda html: re.sub(r'imprint" content="[^"]*"', 'imprint" content="[]"', html),
    ],
)
def test_a_spoilt_imprint_is_refused_in_a_sentence(html, spoil):
    with pytest.raises(RecordingError, match="page"):
        imprint.read_imprint(spoil(html), "page.html")


def test_without_a_browser_matplotlib_sets_figures_and_tables(few, tmp_path, monkeypatch):
    monkeypatch.setattr(printing, "find_browsers", lambda: iter(()))
    target = tmp_path / "walk.pdf"
    assert page.print_report(few, target) == "matplotlib"
    pdf = pypdf.PdfReader(io.BytesIO(target.read_bytes()))
    text = " ".join(sheet.extract_text() for sheet in pdf.pages)
    assert few.session.session_id in pdf.metadata.title
    for words in (
        "Typical values",
        "Mean (SD)",
        "What each sensor sent",
        "Samples lost over time",
        "How it was made",
    ):
        assert words in text
    assert "narrow" not in text
    assert list(tmp_path.iterdir()) == [target]


def test_a_browser_that_fails_is_passed_over(few, tmp_path, monkeypatch):
    broken, silent = tmp_path / "chromium", tmp_path / "chrome"
    broken.write_text("#!/bin/sh\nexit 1\n")
    silent.write_text('#!/bin/sh\nfor a; do case "$a" in --print-to-pdf=*) echo no pdf > "${a#*=}";; esac; done\n')
    for program in (broken, silent):
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(printing, "find_browsers", lambda: iter((broken, silent, tmp_path / "gone")))
    assert page.print_report(few, tmp_path / "walk.pdf") == "matplotlib"


def test_a_browser_that_hangs_is_ended(tmp_path, monkeypatch):
    hanging = tmp_path / "chromium"
    hanging.write_text("#!/bin/sh\nsleep 60 & wait\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(printing, "find_browsers", lambda: iter((hanging,)))
    monkeypatch.setattr(printing, "TIMEOUT_S", 0.2)
    assert printing.print_page("<p>", tmp_path / "walk.pdf") is None
    assert not (tmp_path / "walk.pdf").exists()


def test_wide_tables_are_folded_not_cut():
    lines = paper.table_lines((("Item", "Value"), ("note", "word " * 60), ("x" * 200, "y")))
    assert max(map(len, lines)) <= 118
    assert "".join(lines).count("word") == 60
    assert "".join(lines).count("x") == 200
