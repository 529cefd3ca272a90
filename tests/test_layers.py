"""The layers import one way, proved from the imports themselves; and the door loads nothing heavy."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "ankle_imu"

FLOORS = (
    {"errors", "findings", "units", "quaternion", "settings", "_version"},
    {"frames", "tables", "track", "wire", "durable"},
    {"values"},
    {"metrics", "manifest", "terrain", "mobility"},
    {"comparison"},
    {"trends"},
    {
        "decode",
        "timing",
        "recording",
        "devices",
        "calibration",
        "orientation",
        "gait",
        "practice",
        "report",
        "interchange",
        "library",
    },
    {"analysis", "session_io", "simulate", "keeping"},
    {"streaming", "batch"},
    {"validation", "capture", "ledger", "reproduction"},
    {"doctor", "selfcheck", "live", "lsl", "service"},
    {"cli"},
)
"""Ground floor first; a name is a folder or a module directly in the package."""

FLOOR_OF = {unit: floor for floor, units in enumerate(FLOORS) for unit in units}
HEAVY = ("numpy", "scipy", "pandas", "matplotlib", "pyarrow", "vqf", "bleak", "starlette", "uvicorn")


def sources(root: Path) -> dict[str, Path]:
    """Module name without the package's own -> file; a folder's `__init__` goes by the folder's name."""
    names = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports(tree: ast.AST, module: str, is_folder: bool, known: set[str]) -> Iterator[str]:
    """Modules of the package that a source imports, wherever in it the import stands."""
    package = module.split(".") if is_folder else module.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.partition(".")[2] for name in node.names if unit(name.name) == "ankle_imu")
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package[: len(package) - node.level + 1]
                base = ".".join(["ankle_imu", *above, *([base] if base else [])])
            if base.split(".")[0] == "ankle_imu":
                inner = base.partition(".")[2]
                for name in node.names:
                    full = f"{inner}.{name.name}".lstrip(".")
                    yield full if full in known else inner


def graph(root: Path) -> dict[str, set[str]]:
    """Module -> modules of the package it imports."""
    files = sources(root)
    return {
        module: set(imports(ast.parse(path.read_text("utf-8")), module, path.name == "__init__.py", set(files)))
        for module, path in files.items()
    }


def unit(module: str) -> str:
    return module.split(".")[0]


def violations(modules: dict[str, set[str]], floor_of: dict[str, int]) -> list[str]:
    """Imports that do not go down: to a higher floor, to a neighbour, or to the door of the house."""
    return [
        f"{module} imports {other or 'ankle_imu itself'}"
        for module, others in modules.items()
        if module
        for other in others
        if not other or (unit(other) != unit(module) and floor_of[unit(other)] >= floor_of[unit(module)])
    ]


def circle(modules: dict[str, set[str]]) -> list[str]:
    """One circle of imports, empty when there is none."""
    try:
        TopologicalSorter({m: others - {m} for m, others in modules.items()}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


@pytest.fixture(scope="module")
def house() -> dict[str, set[str]]:
    return graph(PACKAGE)


def test_every_module_has_a_floor(house: dict[str, set[str]]) -> None:
    assert {unit(module) for module in house if module} - set(FLOOR_OF) == set()
    assert len(FLOOR_OF) == sum(map(len, FLOORS)), "a name stands on two floors"


def test_imports_go_down(house: dict[str, set[str]]) -> None:
    assert sum(map(len, house.values())) > 100, "the imports were not found"
    assert violations(house, FLOOR_OF) == []


def test_no_circles(house: dict[str, set[str]]) -> None:
    assert circle({m: others for m, others in house.items() if m}) == []


def test_every_unit_stands_as_low_as_its_imports_let_it(house: dict[str, set[str]]) -> None:
    """Only the small ones that no plan names: the others have their floor from the design."""
    for small in ("settings", "_version", "durable", "manifest"):
        below = [FLOOR_OF[unit(other)] for other in house[small]]
        assert FLOOR_OF[small] == max(below, default=-1) + 1, small


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from ankle_imu.cli import app", ["low imports cli.app"]),
        ("def f():\n    import ankle_imu.cli.app", ["low imports cli.app"]),
        ("from ankle_imu import twin", ["low imports twin"]),
        ("from .cli import app", ["low imports cli.app"]),
        ("from ankle_imu import analyze", ["low imports ankle_imu itself"]),
        ("import ankle_imu as ai", ["low imports ankle_imu itself"]),
        ("from ankle_imu.ground import x", []),
    ],
)
def test_a_wrong_import_is_found(tmp_path: Path, source: str, found: list[str]) -> None:
    for name in ("__init__", "ground", "twin", "cli/__init__", "cli/app"):
        path = tmp_path / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    (tmp_path / "low.py").write_text(source)
    floors = {"ground": 0, "low": 1, "twin": 1, "cli": 2}
    assert violations(graph(tmp_path), floors) == found


def test_a_circle_is_found(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text("")
    (tmp_path / "a.py").write_text("from ankle_imu.b import x")
    (tmp_path / "b.py").write_text("def f():\n    from ankle_imu import a")
    assert set(circle(graph(tmp_path))) == {"a", "b"}


def loaded_by(code: str) -> set[str]:
    """Heavy libraries that a fresh Python has loaded after running `code`."""
    told = f"import sys\n{code}\nprint('loaded:', *(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    return set(done.stdout.rpartition("loaded:")[2].split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import ankle_imu; ankle_imu.__version__; dir(ankle_imu)") == set()
    assert "numpy" in loaded_by("import ankle_imu; ankle_imu.Recording"), "the check does not see what is loaded"


def test_help_loads_nothing_heavy() -> None:
    run = (
        "from ankle_imu.cli import main\n"
        "sys.argv = ['ankle-imu', '--help']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    assert loaded_by(run) == set()
