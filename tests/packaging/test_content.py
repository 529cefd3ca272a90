"""What is in the wheel and in the source distribution is what is in the tree."""

from __future__ import annotations

import email
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
FOR_GIT_ALONE = {".gitattributes", ".git_archival.txt", ".editorconfig"}
SOME_TESTS = (
    "test_layers.py",
    "test_data.py",
    "wire/test_packets.py",
    "firmware/test_notes.py",
    "practice/test_routine.py",
)


@pytest.fixture(scope="module")
def in_wheel(built) -> set[str]:
    return set(ZipFile(built.wheel).namelist())


@pytest.fixture(scope="module")
def metadata(built, in_wheel):
    (name,) = [name for name in in_wheel if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(ZipFile(built.wheel).read(name))


@pytest.fixture(scope="module")
def unpacked(built, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built.sdist) as archive:
        archive.extractall(folder, filter="data")
    (inside,) = folder.iterdir()
    return inside


def test_wheel_holds_the_whole_package_and_nothing_else(in_wheel) -> None:
    """Pages, styles, scripts, plans and `py.typed` among it: everything that code opens beside itself."""
    tree = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "ankle_imu").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in in_wheel if ".dist-info/" not in name} == tree
    assert {"ankle_imu/py.typed", "ankle_imu/live/page/live.js", "ankle_imu/practice/plans/default.toml"} <= tree
    assert {".j2", ".css", ".html", ".js", ".toml"} <= {os.path.splitext(name)[1] for name in tree}  # noqa: PTH122


def test_wheel_has_the_licence_and_the_command(built, in_wheel) -> None:
    kept = {name.partition(".dist-info/")[2]: name for name in in_wheel}
    assert ZipFile(built.wheel).read(kept["licenses/LICENSE"]) == (ROOT / "LICENSE").read_bytes()
    assert b"ankle-imu = ankle_imu.cli:main" in ZipFile(built.wheel).read(kept["entry_points.txt"])
    assert built.wheel.name.endswith("-py3-none-any.whl")


def test_metadata_names_the_pythons_that_may_install_it(metadata) -> None:
    low, high = re.fullmatch(r"<3\.(\d+),>=3\.(\d+)", metadata["Requires-Python"]).groups()[::-1]
    named = re.findall(r"Python :: 3\.(\d+)$", "\n".join(metadata.get_all("Classifier")), re.MULTILINE)
    assert [int(minor) for minor in named] == [*range(int(low), int(high))]
    assert metadata["License-Expression"] == "MIT"
    assert set(metadata.get_all("Provides-Extra")) == set(PROJECT["optional-dependencies"])
    assert metadata.get_payload().startswith("# ankle_imu")


def test_sdist_holds_all_that_git_keeps(built, unpacked) -> None:
    listing = ["git", "-C", str(ROOT), "ls-files", "-z"]
    try:
        told = subprocess.run(listing, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this is no git checkout")
    kept = {name for name in told.split("\0") if name and (ROOT / name).is_file()} - FOR_GIT_ALONE
    there = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert kept - there == set()
    assert not [name for name in there if "__pycache__" in name or name.startswith((".venv", "dist/"))]
    if os.name != "nt":
        assert os.access(unpacked / ".ci" / "run", os.X_OK)


def test_the_tests_run_from_an_unpacked_sdist(stranger, unpacked) -> None:
    """Every module of tests is found, and those which read other folders of the project pass."""
    pytest_here = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    told = stranger(*pytest_here, "--collect-only", cwd=unpacked).stdout
    assert re.search(r"^\d{4,} tests collected", told, re.MULTILINE)
    told = stranger(*pytest_here, *(f"tests/{name}" for name in SOME_TESTS), cwd=unpacked).stdout
    assert re.search(r"^\d+ passed", told, re.MULTILINE)
