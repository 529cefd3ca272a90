"""The version comes from the tags of git, and there is one where git or tags are missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

import ankle_imu

ROOT = Path(__file__).parents[2]
ASKED_FOR = ("pyproject.toml", "README.md", "LICENSE", ".gitattributes", ".git_archival.txt")

if shutil.which("git") is None or not all((ROOT / name).exists() for name in ASKED_FOR):
    pytest.skip("needs git and a checkout, not a source distribution", allow_module_level=True)


class Clone:
    """A project of one module with our `pyproject.toml`, in a repository of its own."""

    def __init__(self, folder: Path, stranger) -> None:
        self.folder, self._stranger = folder, stranger
        (folder / "ankle_imu").mkdir(parents=True)
        (folder / "ankle_imu" / "__init__.py").write_text('"""Nothing."""\n')
        for name in ASKED_FOR:
            shutil.copy(ROOT / name, folder / name)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit()

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
        done = ["git", "-C", str(self.folder), *who, *words]
        return subprocess.run(done, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "one more")
        return self.git("rev-parse", "HEAD")[:7]

    def version(self, folder: Path | None = None) -> str:
        folder = folder or self.folder
        out = self.folder.parent / f"dist-{len([*self.folder.parent.iterdir()])}"
        self._stranger("uv", "build", "--quiet", "--wheel", "--out-dir", out, folder)
        (wheel,) = out.glob("*.whl")
        return wheel.name.split("-")[1]


@pytest.fixture
def clone(tmp_path, stranger) -> Clone:
    return Clone(tmp_path / "clone", stranger)


def test_without_a_tag_the_commit_is_named(clone) -> None:
    clone.git("tag", "data-2026")  # no version, and no obstacle
    node = clone.commit()
    assert re.fullmatch(rf"0\.1\.dev2\+g{node}[0-9a-f]*", clone.version())


def test_a_tag_is_the_version_and_after_it_comes_the_next(clone) -> None:
    clone.git("tag", "v1.4.0")
    assert clone.version() == "1.4.0"
    node = clone.commit()
    assert re.fullmatch(rf"1\.4\.1\.dev1\+g{node}[0-9a-f]*", clone.version())
    (clone.folder / "README.md").write_text("changed")
    assert re.fullmatch(rf"1\.4\.1\.dev1\+g{node}[0-9a-f]*\.d\d{{8}}", clone.version())


def test_a_shallow_clone_builds(clone, tmp_path) -> None:
    clone.git("tag", "v1.4.0")
    node = clone.commit()
    shallow = tmp_path / "shallow"
    fetch = ["git", "clone", "--quiet", "--depth", "1", clone.folder.as_uri(), str(shallow)]
    subprocess.run(fetch, check=True, capture_output=True)
    assert re.fullmatch(rf"0\.1\.dev1\+g{node}[0-9a-f]*", clone.version(shallow))


def test_a_downloaded_archive_knows_its_tag(clone, tmp_path) -> None:
    clone.git("tag", "v1.4.0")
    clone.git("archive", f"--output={tmp_path / 'a.zip'}", "HEAD")
    shutil.unpack_archive(tmp_path / "a.zip", tmp_path / "archive")
    assert clone.version(tmp_path / "archive") == "1.4.0"


def test_a_bare_copy_of_the_files_builds(clone, tmp_path) -> None:
    shutil.copytree(clone.folder, tmp_path / "copy", ignore=shutil.ignore_patterns(".git"))
    assert clone.version(tmp_path / "copy") == "0.1.dev0"
    # inside of somebody else's repository too
    shutil.copytree(tmp_path / "copy", clone.folder / "below")
    clone.git("tag", "v9.0.0")
    assert clone.version(clone.folder / "below") == "0.1.dev0"


def test_wheel_and_sdist_agree(built) -> None:
    assert built.sdist.name == f"ankle_imu-{built.wheel.name.split('-')[1]}.tar.gz"


def test_every_tag_stands_in_the_changelog() -> None:
    found = subprocess.run(["git", "-C", str(ROOT), "tag", "--list", "v[0-9]*"], capture_output=True, text=True)
    headings = re.findall(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert {tag.removeprefix("v") for tag in found.stdout.split()} <= set(headings)


def test_the_package_tells_its_version() -> None:
    assert re.match(r"\d+\.\d+", ankle_imu.__version__)
