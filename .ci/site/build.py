"""Build the site: put the pages together, let Sphinx make them, and look at what came out.

Usage: python .ci/site/build.py [OUT]; .ci/build-site calls it. Nothing is fetched. A warning of Sphinx, a link
that leads nowhere, a page that asks for something from elsewhere: each ends it with an error.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import finished
import readme
import reference

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

FOLDERS = ("notebooks/guide", "firmware_notes", "data")
"""Where pages in Markdown lie."""

BELOW = "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
"""Hangs the other pages of a folder below its first one."""


def written_pages() -> dict[str, str]:
    """Markdown that people wrote, by the name it gets in the site."""
    found = {path.name: path for path in sorted((HERE / "pages").glob("*.md"))}
    found["CHANGELOG.md"] = ROOT / "CHANGELOG.md"
    for folder in FOLDERS:
        found |= {f"{folder}/{path.name}": path for path in sorted((ROOT / folder).glob("*.md"))}
    return {name: path.read_text("utf-8") for name, path in found.items()}


def all_pages() -> dict[str, str]:
    """Every page but the notebooks, whole: written ones with the README's sections in place, and made ones."""
    from ankle_imu.cli import app

    pages = written_pages()
    known = readme.sections((ROOT / "README.md").read_text("utf-8"))
    home = readme.homes(pages)
    if set(known) - set(home):
        raise ValueError(f"no page has README's {', '.join(sorted(set(known) - set(home)))}; see .ci/site/pages/.")
    pages = {name: readme.relink(readme.fill(text, known), home) for name, text in pages.items()}
    pages["firmware_notes/README.md"] += BELOW
    return {
        **pages,
        **reference.command_pages(app.build()),
        **reference.python_pages(),
        **reference.table_pages(),
    }


def _beside() -> Iterator[tuple[Path, str]]:
    """What the pages show and the notebooks read."""
    for folder in ("notebooks/pictures", "notebooks/guide/pictures", "firmware_notes"):
        for path in sorted((ROOT / folder).glob("*.png")):
            yield path, f"{folder}/{path.name}"
    for path in sorted((ROOT / "data").rglob("*")):
        if path.is_file() and path.suffix in (".mcap", ".toml", ".parquet", ".json"):
            yield path, path.relative_to(ROOT).as_posix()


def notebook(path: Path) -> str:
    """A notebook for the site; one that is stored with what it shows is not run again."""
    content = json.loads(path.read_text("utf-8"))
    if any(cell.get("outputs") for cell in content["cells"]):
        content["metadata"]["mystnb"] = {"execution_mode": "off"}
    return json.dumps(content)


def stage(folder: Path) -> None:
    """Lay all sources of the site into one folder, as they lie in the repository."""
    books = {f"notebooks/{path.name}": notebook(path) for path in sorted((ROOT / "notebooks").glob("*.ipynb"))}
    for name, text in {**all_pages(), **books}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    for path, name in _beside():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, folder / name)


def main(out: Path) -> int:
    """Build into `out`, which is emptied before; 0 when all is well."""
    from sphinx.cmd.build import build_main

    shutil.rmtree(out, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        stage(Path(scratch) / "source")
        options = ["-b", "html", "-q", "-E", "-W", "--keep-going", "-j", "2", "-c", str(HERE)]
        code = build_main([*options, "-d", f"{scratch}/doctrees", f"{scratch}/source", str(out)])
        if code:
            return code
    shutil.rmtree(out / "_sources", ignore_errors=True)
    for wrong in (problems := finished.problems(out)):
        print(wrong, file=sys.stderr)
    if not problems:
        print(out / "index.html")
    return min(len(problems), 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build" / "site").resolve()))
