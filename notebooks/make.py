"""Run the notebooks of this folder and store in each what its cells show: text, tables and small pictures.

    python notebooks/make.py              all of them
    python notebooks/make.py 01 03        those that begin so
    python notebooks/make.py --check      write nothing; say what is out of date, exit code 1 if anything is

Run it after every change of a cell, and where a change of the package changes what the cells show. It needs the
package and nothing else. Each notebook runs in an empty folder with its own settings, warnings are errors, and
nothing that is stored tells of a machine: no counters, no times, no paths.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import hashlib
import io
import json
import os
import re
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DPI = 90
"""Pictures are stored a quarter larger than they are shown (72 dots per inch), for sharp screens."""
COLOURS = 32
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
NUMBER = re.compile(r"[+−-]?\d+(?:\.\d+)?")

Output = dict[str, Any]


def notebooks(wanted: list[str] | None = None) -> list[Path]:
    """Notebooks of this folder whose names begin with one of `wanted`; all when there is none."""
    return [p for p in sorted(HERE.glob("*.ipynb")) if not wanted or p.name.startswith(tuple(wanted))]


def read(path: Path) -> dict[str, Any]:
    """A notebook as it is stored."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def run(notebook: dict[str, Any], name: str, folder: Path) -> list[list[Output]]:
    """Run all code cells in `folder`.

    Parameters
    ----------
    notebook : dict, as stored
    name : str, for messages
    folder : Path of an empty folder; settings and library of the package lie there, too

    Returns
    -------
    list of lists of outputs, one for each code cell
    """
    import matplotlib

    matplotlib.use("Agg")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an old matplotlib warns of its own parser when it is loaded
        import matplotlib.figure
    names: dict[str, Any] = {"__name__": "__main__"}
    with in_folder(folder), warnings.catch_warnings():
        warnings.simplefilter("error")
        return [run_cell(code, names, f"{name}[{i}]") for i, code in enumerate(codes(notebook))]


def codes(notebook: dict[str, Any]) -> list[str]:
    """Source of each code cell."""
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


@contextlib.contextmanager
def in_folder(folder: Path) -> Any:
    """Work in a folder that is the whole world of the package: settings, library and temporary files are there."""
    keys = {"ANKLE_IMU_CONFIG": "config", "ANKLE_IMU_LIBRARY": "library"}
    before, scratch = {key: os.environ.get(key) for key in keys}, tempfile.tempdir
    os.environ.update({key: str(folder / part) for key, part in keys.items()})
    tempfile.tempdir = str(folder)
    try:
        with contextlib.chdir(folder):
            yield
    finally:
        tempfile.tempdir = scratch
        for key, value in before.items():
            os.environ.pop(key, None)
            if value is not None:
                os.environ[key] = value


def run_cell(code: str, names: dict[str, Any], where: str) -> list[Output]:
    """Run a cell as a notebook does: what it prints, then the value of a last expression."""
    tree = ast.parse(re.sub(r"^%.*$", "", code, flags=re.MULTILINE), where)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    if code.rstrip().endswith(";") and last is not None:
        tree.body.append(last)
        last = None
    value, printed = None, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, where, "exec"), names)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), where, "eval"), names)
    text = printed.getvalue()
    outputs = [{"name": "stdout", "output_type": "stream", "text": lines(text)}] if text else []
    return outputs if value is None else [*outputs, shown(value)]


def shown(value: Any) -> Output:
    """Output of a value: a figure as a picture, a table as HTML and text, all else as text."""
    from matplotlib.figure import Figure
    from pandas import DataFrame

    data: dict[str, Any] = {"text/plain": lines(repr(value))}
    metadata: dict[str, Any] = {}
    if isinstance(value, Figure):
        data = {"image/png": png(value), "text/plain": lines(repr(value))}
        width, height = (round(72 * inches) for inches in value.get_size_inches())
        metadata = {"image/png": {"alt": alt(value), "height": height, "width": width}}
    elif isinstance(value, DataFrame):
        # its repr would be cut to the width of the terminal at hand
        data = {"text/html": lines(value._repr_html_()), "text/plain": lines(value.to_string())}
    return {"data": data, "metadata": metadata, "output_type": "display_data"}


def png(figure: Any) -> str:
    """A figure as a picture of few colours, base64."""
    import base64

    from PIL import Image

    sink, small = io.BytesIO(), io.BytesIO()
    figure.savefig(sink, format="png", dpi=DPI)
    picture = Image.open(sink).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    picture.save(small, format="PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode()


def alt(figure: Any) -> str:
    """What a picture shows: titles and axes of its panels."""
    panels = []
    for ax in figure.axes:
        words = (ax.get_title(loc="left") or ax.get_title(), ax.get_ylabel(), ax.get_xlabel())
        panels.append(", ".join(" ".join(word.split()) for word in words if word))
    return "; ".join(panel for panel in panels if panel)


def lines(text: str) -> list[str]:
    """Text as notebooks store it."""
    return text.splitlines(keepends=True)


def with_outputs(notebook: dict[str, Any], outputs: list[list[Output]]) -> dict[str, Any]:
    """The notebook with these outputs and without anything that a program left in it."""
    fresh = iter(outputs)
    cells = []
    for n, cell in enumerate(notebook["cells"]):
        kept = {
            "cell_type": cell["cell_type"],
            "id": cell.get("id", f"cell-{n:02d}"),
            "metadata": {},
        }
        kept["source"] = lines("".join(cell["source"]))
        if cell["cell_type"] == "code":
            kept |= {"execution_count": None, "outputs": next(fresh)}
        cells.append(kept)
    own = {"ankle_imu": {"code": digest(notebook)}}
    return {"cells": cells, "metadata": METADATA | own, "nbformat": 4, "nbformat_minor": 5}


def digest(notebook: dict[str, Any]) -> str:
    """What tells whether the code is the one whose pictures are stored."""
    return hashlib.sha256("\0".join(codes(notebook)).encode()).hexdigest()[:16]


def as_text(notebook: dict[str, Any]) -> str:
    """The notebook as notebook programs write it."""
    return json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def differences(notebook: dict[str, Any], outputs: list[list[Output]]) -> list[str]:
    """Sentences on what a stored notebook shows otherwise than its cells do now; pictures are only counted."""
    found = [] if notebook["metadata"].get("ankle_imu", {}).get("code") == digest(notebook) else [STALE]
    cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for n, (cell, fresh) in enumerate(zip(cells, outputs, strict=True)):
        stored, now = told(cell["outputs"]), told(fresh)
        if not alike(stored, now):
            found.append(f"code cell {n} shows\n{now}\nbut stored is\n{stored}")
    return found


STALE = "its code was changed after its pictures were made"


def told(outputs: list[Output]) -> str:
    """What the outputs show: text, tables as HTML, `<picture>` for a picture."""
    parts = []
    for one in outputs:
        data = one.get("data", {})
        content = data.get("text/html") or data.get("text/plain") or one.get("text", [])
        parts.append("<picture>" if "image/png" in data else "".join(content))
    return "\n".join(parts)


def alike(one: str, other: str) -> bool:
    """Whether two texts say the same; numbers may differ by 2 % and one in their last place.

    Another computer adds up in another order, and another version of a library aligns a table otherwise.
    """
    first, second = (NUMBER.sub("#", text).split() for text in (one, other))
    pairs = [*zip(NUMBER.findall(one), NUMBER.findall(other), strict=False)]
    return first == second and all(_near(a, b) for a, b in pairs)


def _near(a: str, b: str) -> bool:
    place = 10.0 ** -max(len(text.partition(".")[2]) for text in (a, b))
    x, y = (float(text.replace("−", "-")) for text in (a, b))
    return abs(x - y) <= 1.001 * place + 0.02 * max(abs(x), abs(y))


def main() -> int:
    """Make or check the notebooks named on the command line, or all."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="beginnings of file names; else all")
    parser.add_argument("--check", action="store_true", help="write nothing, compare")
    said = parser.parse_args()
    stale = False
    for path in notebooks(said.names):
        begun = time.process_time()
        with tempfile.TemporaryDirectory() as scratch:
            outputs = run(read(path), path.name, Path(scratch))
        took = time.process_time() - begun
        problems = differences(read(path), outputs)
        stale |= bool(problems)
        if not said.check:
            path.write_text(as_text(with_outputs(read(path), outputs)), encoding="utf-8", newline="\n")
        words = ("out of date" if said.check else "made anew") if problems else "as stored"
        print(f"{path.name}  {took:.1f} s of processor time  {path.stat().st_size / 1000:.0f} kB  {words}")
        for problem in problems if said.check else ():
            print(f"  {problem}", file=sys.stderr)
    return int(stale and said.check)


if __name__ == "__main__":
    sys.exit(main())
