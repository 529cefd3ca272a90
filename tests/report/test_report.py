from __future__ import annotations

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from ankle_imu import tables
from ankle_imu.errors import QualityRefusal, StorageError
from ankle_imu.report import write_report, write_trend
from ankle_imu.report.figures import quality_figure
from ankle_imu.report.page import report_html
from ankle_imu.report.series import loss_over_time
from ankle_imu.report.verdict import judge

CASES = {
    "full": {},
    "foot": {"sensors": ("left_foot",), "plan": (("walk", 120),)},
    "shank": {"sensors": ("right_shank",), "plan": (("walk", 120),)},
    "one leg, few strides": {"sensors": ("left_foot", "left_shank"), "plan": (("walk", 30),)},
    "a handful": {"sensors": ("left_foot", "left_shank"), "plan": (("run", 4),)},
    "nothing": {"sensors": ("left_foot",), "plan": ()},
}
BANNED = r"\b(risk|diagnos\w*|injur\w*|healthy|normal)\b"


class Page(HTMLParser):
    """What a reader's browser would fetch, hear and jump to."""

    def __init__(self, text):
        super().__init__()
        self.references, self.headings, self.unnamed, self.tags, self.ids, self.text = [], [], [], [], [], []
        self._inside: list[str] = []
        self._roles: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        a = dict(attrs)
        self.tags.append(tag)
        self._inside.append(tag)
        self._roles.append(a.get("role"))
        self.references += [v for k, v in attrs if k in ("src", "href", "xlink:href", "srcset", "action", "data")]
        self.ids += [a["id"]] if "id" in a else []
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if a.get("role") == "img" and not a.get("aria-label"):
            self.unnamed.append(tag)
        if (tag == "img" and not a.get("alt")) or (
            tag == "svg" and not a.get("aria-label") and not self._in_a_picture()
        ):
            self.unnamed.append(tag)
        if tag == "html":
            self.lang = a.get("lang")

    def handle_data(self, data):
        if self._inside and self._inside[-1] != "style":
            self.text.append(data)

    def handle_endtag(self, tag):
        if tag in self._inside:
            while self._inside.pop() != tag:
                self._roles.pop()
            self._roles.pop()

    def _in_a_picture(self):
        """Whether a box around says what its drawings show."""
        return "img" in self._roles[:-1]


@pytest.fixture(scope="module")
def html_of_full(full, make_trend):
    return report_html(full, trend=make_trend())


@pytest.fixture(scope="module", params=CASES)
def html(request, make_result, html_of_full):
    return html_of_full if request.param == "full" else report_html(make_result(**CASES[request.param]))


def test_page_needs_no_network_and_no_script(html):
    page = Page(html)
    assert [r for r in page.references if not r.startswith(("#", "data:"))] == []
    assert re.findall(r"https?://|url\((?!#)|@import", html) == []
    assert not {"script", "iframe", "link", "object"} & set(page.tags)
    assert len(html.encode()) < 1_000_000


def test_page_can_be_heard_and_navigated(html):
    page = Page(html)
    assert page.lang == "en"
    assert page.unnamed == []
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(page.headings, page.headings[1:], strict=False))
    assert len(page.ids) == len(set(page.ids))
    for used in re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', html):
        assert "".join(used) in page.ids
    assert html.count('class="wide"') == html.count('class="narrow"')


def test_page_never_says_what_it_must_not(html):
    text = " ".join(Page(html).text)
    assert re.findall(BANNED, text, re.IGNORECASE) == []
    assert "nan" not in re.findall(r"[a-z]+", text.lower())
    assert "no recording exists" in text


def test_sections_come_in_order(html_of_full):
    page = html_of_full
    names = [
        "In short", "How good the data are", "How you moved", "over a stride", "step by step", "Typical values",
        "Over the session", ">Events<", "Your sessions so far", "What this cannot tell you", "How it was made",
    ]  # fmt: skip
    places = [page.index(name) for name in names]
    assert places == sorted(places)


def test_titles_follow_the_source(make_result, html_of_full):
    foot = report_html(make_result(**CASES["foot"]))
    assert "foot tilt" in foot
    assert "ankle inversion" not in foot.lower()
    assert "ankle inversion" in html_of_full.lower()
    assert "ankle inversion" not in report_html(make_result(**CASES["shank"])).lower()


def test_words_of_a_person_are_escaped(html_of_full):
    assert "stile &lt;b&gt;here&lt;/b&gt;" in html_of_full


def test_no_strides_says_so_and_why(make_result):
    nothing = make_result(**CASES["nothing"])
    verdict = judge(nothing)
    assert verdict.level == 2
    assert verdict.lines[0].startswith("No strides were found in 60 s")
    assert "over a stride" not in report_html(nothing)


def test_verdict_lowers_with_alignment_loss_and_few_strides(full, make_result):
    from dataclasses import replace

    warned = judge(full)
    assert warned.level == 1
    assert warned.reasons == ("the left foot sensor sent nothing for 4 s.",)
    full = replace(full, quality=full.quality | {"warnings": []})
    assert judge(full).level == 0
    fair = {p: a | {"verdict": "fair", "reason": "No toe taps."} for p, a in full.quality["alignment"].items()}
    careful = judge(replace(full, quality=full.quality | {"alignment": fair}))
    assert careful.level == 1
    assert "(No toe taps)" in careful.reasons[0]
    lost = {p: s | {"lost": s["expected"] // 3} for p, s in full.quality["sensors"].items()}
    assert judge(replace(full, quality=full.quality | {"sensors": lost})).level == 2
    assert judge(make_result(**CASES["a handful"])).level == 1


def test_loss_over_time_adds_up(full):
    edges, filled, lost = loss_over_time(full, "left_foot")
    gaps = full.quality["gaps"]
    length = (gaps["end_s"] - gaps["start_s"]).groupby(gaps["filled"]).sum()
    assert (lost * np.diff(edges) * 60).sum() == pytest.approx(length[False])
    assert (filled * np.diff(edges) * 60).sum() == pytest.approx(length[True])
    assert loss_over_time(full, "right_foot")[1].sum() == 0.0
    labels = [t.get_text() for t in quality_figure(full).axes[0].get_yticklabels()]
    assert labels[-1].startswith("left foot\n0.6")


def test_same_result_same_bytes_and_whole_files_only(make_result, tmp_path):
    result = make_result(**CASES["foot"])
    path = write_report(result, tmp_path / "new" / "report.html")
    assert path.read_text(encoding="utf-8") == report_html(result)
    assert [p.name for p in path.parent.iterdir()] == ["report.html"]
    with pytest.raises(StorageError):
        write_report(result, path.parent)  # a folder


def test_result_with_empty_ledger_still_makes_a_page(full):
    from dataclasses import replace

    bare = replace(full, quality={}, events=tables.make_table(tables.EVENTS, {}))
    text = report_html(bare)
    assert "None found, and no marker set." in text
    assert "No ankle roll was found" in text


def test_trend_pictures_and_page(make_trend, tmp_path):
    for ending in ("png", "svg", "html"):
        assert write_trend(make_trend(), tmp_path / f"t.{ending}").stat().st_size > 2000
    page = Page((tmp_path / "t.html").read_text(encoding="utf-8"))
    assert page.unnamed == []
    assert [r for r in page.references if not r.startswith(("#", "data:"))] == []
    assert re.findall(BANNED, " ".join(page.text), re.IGNORECASE) == []
    with pytest.raises(ValueError, match=r"\.png, \.svg or \.html"):
        write_trend(make_trend(), tmp_path / "t.docx")
    with pytest.raises(QualityRefusal):
        write_trend(make_trend(1), tmp_path / "one.png")
    assert not (tmp_path / "one.png").exists()


def test_trend_figure_draws_points_intervals_and_band(make_trend):
    from ankle_imu.report.trend_figure import trend_figure
    from ankle_imu.trends import select_trend

    trend = select_trend(make_trend(), "range_stance_deg")
    ax = trend_figure(trend).axes[0]
    left = ax.containers[0]
    rows = trend.points.query("leg == 'left'")
    np.testing.assert_allclose(left.lines[0].get_ydata(), rows["median"])
    ends = np.array([segment[:, 1] for segment in left.lines[2][0].get_segments()])
    np.testing.assert_allclose(ends, rows[["ci_low", "ci_high"]])
    assert len(ax.patches) == 2  # a first-five band per leg
    assert len(trend_figure(select_trend(make_trend(4), "range_stance_deg")).axes[0].patches) == 0
