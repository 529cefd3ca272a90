"""Libraries of tiny sessions, written by the real recorder."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import tiny


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANKLE_IMU_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("ANKLE_IMU_LIBRARY", str(tmp_path / "library"))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name, **_: tmp_path / "cache" / name)
    monkeypatch.delenv("ANKLE_IMU_PASSPHRASE", raising=False)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two people, three sessions; the first has a track, answers and an original with a strange name."""
    root = tmp_path / "library"
    start = datetime(2026, 11, 1, 9, tzinfo=UTC)
    first = tiny.session(root, "P-anna", start, packets=400)
    (first / "track.gpx").write_bytes(tiny.TRACK)
    (first / "raw" / "ärger im Wald.csv").write_text("lat,lon\n46,14\n")
    tiny.close(first)
    tiny.session(root, "P-anna", start + timedelta(days=1))
    tiny.session(root, "P-bert", start + timedelta(days=2))
    (root / "people" / "P-anna" / "person.toml").write_text('note = "left in spring"\n')
    (root / "sensors").mkdir()
    (root / "sensors" / "A1.json").write_text("{}")
    (root / "sensors" / "B2.json").write_text("{}")
    return root
