"""The notebooks run from nothing, show what is stored in them, and are stored small and clean."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from PIL import Image
from scripts import load_script
from test_wording import banned

FOLDER = Path(__file__).parents[2] / "notebooks"
README = (FOLDER.parent / "README.md").read_text("utf-8")
NAMES = (
    "01_quickstart.ipynb",
    "02_packets_to_inversion.ipynb",
    "03_trends_and_change.ipynb",
    "04_your_own_data.ipynb",
)
"""The documentation and other people's links lead to these."""


make = load_script(FOLDER / "make.py")


@pytest.fixture(params=NAMES)
def path(request: pytest.FixtureRequest) -> Path:
    return FOLDER / str(request.param)


@pytest.fixture
def notebook(path: Path) -> dict[str, Any]:
    return dict(make.read(path))


def test_names_are_kept_and_all_stand_in_the_readme() -> None:
    assert tuple(p.name for p in make.notebooks()) == NAMES
    for name in NAMES:
        assert f"(notebooks/{name})" in README, name
    assert [p.name for p in make.notebooks(["02", "04"])] == [NAMES[1], NAMES[3]]


def test_it_runs_and_shows_what_is_stored(path: Path, notebook: dict[str, Any], tmp_path: Path) -> None:
    """In an empty folder, warnings as errors; text is compared, pictures are drawn and counted."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    outputs = make.run(notebook, path.name, folder)
    told = make.differences(notebook, outputs)
    assert not told, "\n".join([*told, f"If this is right: python notebooks/make.py {path.name[:2]}"])
    assert sum("image/png" in one.get("data", {}) for cell in outputs for one in cell) >= 2


# How they are stored


def outputs_of(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for cell in notebook["cells"] if cell["cell_type"] == "code" for one in cell["outputs"]]


def test_it_is_a_notebook_by_the_books(path: Path) -> None:
    """Second opinion: nbformat's own schema."""
    nbformat.validate(nbformat.read(path, as_version=nbformat.NO_CONVERT))


def test_it_is_as_the_script_writes_it(path: Path, notebook: dict[str, Any]) -> None:
    """No counters, no times, no traces of an editor: what a program adds would differ from this."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    clean = make.with_outputs(notebook, [cell["outputs"] for cell in code])
    assert path.read_text("utf-8") == make.as_text(clean)
    assert all(cell["execution_count"] is None for cell in code)


def test_it_is_small(path: Path, notebook: dict[str, Any]) -> None:
    assert path.stat().st_size < 400_000
    for one in outputs_of(notebook):
        size = len(json.dumps(one)) if "text" in one else len(json.dumps(one["data"].get("image/png", "")))
        assert size < 80_000, "60 kB of picture, as base64"


def test_it_tells_nothing_of_a_machine(path: Path) -> None:
    """Words of the stored file without its pictures."""
    text = re.sub(r'"image/png": "[^"]*"', "", path.read_text("utf-8"))
    for trace in (r"/tmp/", r"/home/", r"/Users/", r"[A-Z]:\\\\", r"0x[0-9a-f]{6,}", r"Traceback"):
        assert not re.search(trace, text), trace


def test_pictures_are_pictures_with_words(notebook: dict[str, Any]) -> None:
    pictures = [one for one in outputs_of(notebook) if "image/png" in one.get("data", {})]
    for one in pictures:
        image = Image.open(io.BytesIO(base64.b64decode(one["data"]["image/png"])))
        told = one["metadata"]["image/png"]
        assert image.width == pytest.approx(told["width"] * make.DPI / 72, abs=2)
        assert len(image.convert("L").histogram()) > 1
        assert len(told["alt"]) > 20
    assert len(pictures) >= 2


def test_it_does_not_judge(notebook: dict[str, Any]) -> None:
    words = "\n".join("".join(cell["source"]) for cell in notebook["cells"])
    shown = "\n".join(make.told([one]) for one in outputs_of(notebook))
    for phrase in ("It does not diagnose and does not predict.", "In no case does it diagnose or predict."):
        words = words.replace(phrase, "")
    assert banned(words) == []
    assert banned(shown) == []


def test_links_lead_to_notebooks(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        for name in re.findall(r"\]\(([\w./]+)\)", "".join(cell["source"])):
            assert (FOLDER / name).is_file(), name


def test_cells_are_short(notebook: dict[str, Any]) -> None:
    """They are read on pages of about 100 signs; a long cell belongs into the package or into two cells."""
    for code in make.codes(notebook):
        assert len(code.splitlines()) <= 40, code
        assert max(len(line) for line in code.splitlines()) <= 110, code


# The script


def test_another_text_is_found_and_rounding_is_not() -> None:
    assert make.alike("range 7.1 deg, + 3", "range  7.2 deg, + 3")
    assert make.alike("−2.1 deg\n  1234", "−2.2 deg 1240")
    assert not make.alike("range 7.1 deg", "range 7.5 deg")
    assert not make.alike("left 7.1", "right 7.1")
    assert not make.alike("7.1", "7.1 7.1")
    assert not make.alike("−2.1", "2.1")


def tiny(code: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "id": "a", "metadata": {"scrolled": True}, "source": code, "execution_count": 7}
    return {"cells": [{**cell, "outputs": []}], "metadata": {"signature": "x"}, "nbformat": 4, "nbformat_minor": 5}


def test_a_cell_shows_what_it_prints_and_its_last_value(tmp_path: Path) -> None:
    ((printed, value),) = make.run(tiny("%matplotlib inline\nprint('a')\n1 + 1"), "tiny", tmp_path)
    assert printed == {"name": "stdout", "output_type": "stream", "text": ["a\n"]}
    assert value["data"] == {"text/plain": ["2"]}
    assert make.run(tiny("x = 1"), "tiny", tmp_path) == [[]]
    assert make.run(tiny("1 + 1;"), "tiny", tmp_path) == [[]]


def test_what_a_notebook_writes_stays_in_its_folder(tmp_path: Path) -> None:
    code = (
        "import tempfile, os\nprint(tempfile.mkdtemp())\nprint(os.getcwd())\nprint(os.environ['ANKLE_IMU_CONFIG'])"
    )
    ((printed,),) = make.run(tiny(code), "tiny", tmp_path)
    assert all(line.startswith(str(tmp_path)) for line in printed["text"])


def test_a_warning_ends_the_run_and_the_folder_is_left(tmp_path: Path) -> None:
    before = Path.cwd(), tempfile.gettempdir(), os.environ.get("ANKLE_IMU_LIBRARY")
    with pytest.raises(DeprecationWarning):
        make.run(tiny("import warnings\nwarnings.warn('old', DeprecationWarning)"), "tiny", tmp_path)
    assert (Path.cwd(), tempfile.gettempdir(), os.environ.get("ANKLE_IMU_LIBRARY")) == before


def test_changed_code_is_stale_even_where_it_shows_the_same(tmp_path: Path) -> None:
    stored = make.with_outputs(tiny("1 + 1"), make.run(tiny("1 + 1"), "tiny", tmp_path))
    assert stored["cells"][0]["metadata"] == {}
    assert stored["cells"][0]["execution_count"] is None
    assert make.differences(stored, make.run(stored, "tiny", tmp_path)) == []
    stored["cells"][0]["source"] = ["2 * 1"]
    assert make.differences(stored, make.run(stored, "tiny", tmp_path)) == [make.STALE]
    stored["cells"][0]["source"] = ["9 * 1"]
    assert len(make.differences(stored, make.run(stored, "tiny", tmp_path))) == 2
