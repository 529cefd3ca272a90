"""`demo`: everything without a sensor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ankle_imu.cli import demo


def test_demo_leaves_walks_report_and_trend(
    ankle_imu: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr(demo, "_WALK_S", 75.0)
    monkeypatch.setattr(demo, "_MIXED_S", 120.0)
    monkeypatch.chdir(tmp_path)
    done = ankle_imu("demo", "--weeks", "1")
    assert done.code == 0
    report, picture, page, mobile = map(Path, done.lines)
    root = tmp_path / "ankle-imu-demo"
    assert "<html" in report.read_text(encoding="utf-8")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.parent == page.parent == root / "people" / "P-demo"
    assert "2 simulated walks" in done.err
    text = mobile.read_text(encoding="utf-8")
    assert "Walks: " in text
    assert "orsiflexion" in text
    kinds = ankle_imu("library", "list", "--kind", "practice", "--library", root, "--json").json["sessions"]
    assert len(kinds) == 1
    assert "library list --library ankle-imu-demo" in done.err
    assert not (tmp_path / "library").exists()
    request.getfixturevalue("quick_page")
    again = ankle_imu("demo", "--weeks", "1", "--json").json
    assert again["library"] == str(root)
    assert len(again["sessions"]) == 2
    assert all(Path(folder).is_dir() for folder in again["sessions"])
    assert again["files"][:2] == [again["report"], again["trend"]]
    assert Path(again["trend"]).parent.name == "P-demo-2"
