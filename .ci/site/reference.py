"""The reference, written from what is there: commands, public names, tables, errors."""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from importlib import import_module
from itertools import pairwise
from types import ModuleType
from typing import Any

import ankle_imu
from ankle_imu import errors, tables

NOT_PYTHON = ("ankle_imu.cli",)
"""Packages whose reference is that of the commands."""

ORDER = ("autofunction", "autoclass", "autoexception", "autodata")
"""What a page shows first: what is called."""

LONGEST_VALUE = 200
"""Characters of a constant's value that are still shown."""

WHERE_FROM = "<!-- Written by .ci/site/reference.py at each build. -->\n\n"


# Commands


def commands(app: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Words and cyclopts app of every command, those that only hold others too."""
    for name in app:
        if not name.startswith("-"):
            yield (*words, name), app[name]
            yield from commands(app[name], (*words, name))


def help_texts(app: Any) -> dict[str, str]:
    """Usage, sentences, arguments and options of every command as Markdown, by its full name."""
    parts = re.split(r"^#+ (ankle-imu .+)$", app.generate_docs(), flags=re.MULTILINE)[1:]
    texts = {}
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        shown = text.replace(' *[default: ""]*', "").replace(" *[default: False]*", "")
        texts[name] = re.sub(r"^```console\n(?:Usage: )?", "```text\n", shown, count=1, flags=re.MULTILINE).strip()
    return texts


def _examples(epilogue: str) -> str:
    lines = re.findall(r"^(.+?):\s+((?:sudo )?ankle-imu .+)$", epilogue, re.MULTILINE)
    return "".join(f"{said}:\n\n```sh\n{line}\n```\n\n" for said, line in lines)


def command_pages(app: Any) -> dict[str, str]:
    """One page per command of the first level, those below it on the same page."""
    texts = help_texts(app)
    pages: dict[str, str] = {}
    for words, command in commands(app):
        page, name = f"reference/cli/{words[0]}.md", " ".join(("ankle-imu", *words))
        heading, told = f"{'#' * min(len(words), 2)} {name}", texts[name]
        if command.usage:  # cyclopts would say the last word of ours twice
            told = f"```text\n{command.usage.removeprefix('Usage: ')}\n```" + "\n" + told.partition("\n```\n")[2]
        text = f"{heading}\n\n{told}\n\n{_examples(command.help_epilogue or '')}"
        pages[page] = pages.get(page, WHERE_FROM) + text
    return pages


# Python


def public_packages() -> list[str]:
    """`ankle_imu` and each package below it that hands names on."""
    found = [m.name for m in pkgutil.walk_packages(ankle_imu.__path__, "ankle_imu.") if m.ispkg]
    kept = [name for name in found if hasattr(import_module(name), "__all__") and name not in NOT_PYTHON]
    return ["ankle_imu", *kept]


def names_of(package: str) -> list[str]:
    """Names a package hands on, less the packages among them."""
    module = import_module(package)
    return [name for name in module.__all__ if not isinstance(getattr(module, name), ModuleType)]


def directive(value: object) -> str:
    """How autodoc is to show this."""
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, Exception) else "autoclass"
    return "autofunction" if callable(value) else "autodata"


def data_entry(package: str, name: str) -> str:
    """A constant: what its own module says of it, and its value where that is short."""
    value = repr(getattr(import_module(package), name))
    told = [f"Value: ``{value}``"] if len(value) <= LONGEST_VALUE and "<" not in value else []
    lines = (_said_of(package, name) or "").splitlines()
    body = "\n".join(f"   {line}".rstrip() for line in (*lines, "", *told))
    return f".. py:data:: {package}.{name}\n\n{body}\n"


def _said_of(package: str, name: str) -> str | None:
    """Docstring below the assignment of a name, in the module the package has it from."""
    tree = ast.parse(inspect.getsource(import_module(package)))
    homes = [n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names if a.name == name]
    body = ast.parse(inspect.getsource(import_module(homes[0] or package))).body if homes else tree.body
    for node, following in pairwise(body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        is_it = any(isinstance(t, ast.Name) and t.id == name for t in targets)
        if is_it and isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            return inspect.cleandoc(str(following.value.value))
    return None


def package_page(package: str, shown: Mapping[int, str]) -> tuple[str, dict[int, str]]:
    """Page of a package, and where each of its objects is documented: once, the others lead there."""
    module = import_module(package)
    own: dict[int, str] = {}
    elsewhere, entries = [], []
    for name in sorted(names_of(package), key=lambda n: (ORDER.index(directive(getattr(module, n))), n.lower())):
        value, path = getattr(module, name), f"{package}.{name}"
        kind = directive(value)
        if kind != "autodata" and id(value) in shown:
            elsewhere.append(f":py:obj:`{shown[id(value)]}`")
            continue
        own[id(value)] = path
        if kind == "autodata":
            entries.append(data_entry(package, name))
            continue
        members = _members(value) if kind == "autoclass" else ""
        entries.append(f".. {kind}:: {path}{members}\n")
    title = f"{package}\n{'=' * len(package)}\n"
    above = f".. automodule:: {package}\n   :no-members:\n"
    also = f"Also here: {', '.join(elsewhere)}.\n" if elsewhere else ""
    return "\n".join((title, above, also, *entries)), own


def _members(kind: type) -> str:
    """Methods, fields with a word of their own, members of an enumeration; the signature has the rest."""
    fields = ", ".join(getattr(kind, "_fields", ()))  # of a named tuple: Python documents them as "Alias for ..."
    shown = "\n   :members:" + ("\n   :undoc-members:" if issubclass(kind, Enum) else "")
    return shown + (f"\n   :exclude-members: {fields}" if fields else "")


def python_pages() -> dict[str, str]:
    """One page per public package and one for the errors."""
    pages: dict[str, str] = {}
    shown: dict[int, str] = {}
    for package in public_packages():
        text, own = package_page(package, shown)
        shown |= own
        pages[f"reference/python/{package}.rst"] = text
    pages["reference/python/ankle_imu.errors.rst"] = _errors_page()
    return pages


def error_kinds() -> list[type[errors.AnkleImuError]]:
    """Every error of the package, as they stand in the file."""
    kinds = [k for k in vars(errors).values() if isinstance(k, type)]
    return [k for k in kinds if issubclass(k, errors.AnkleImuError)]


def _errors_page() -> str:
    title = "ankle_imu.errors\n================\n"
    entries = [f".. autoexception:: ankle_imu.errors.{k.__name__}\n   :show-inheritance:\n" for k in error_kinds()]
    return "\n".join((title, ".. automodule:: ankle_imu.errors\n   :no-members:\n", *entries))


# Tables


def _cell(text: str) -> str:
    return text.replace("|", r"\|") or "–"


def table_page(table: tables.Table) -> str:
    """Dictionary of one table."""
    rows = [
        f"| `{c['name']}` | {_cell(c['meaning'])} | {_cell(c['unit'])} | {c['dtype']} |"
        for c in tables.dictionary(table)
    ]
    head = f"{WHERE_FROM}# Table `{table.name}`\n\n{len(rows)} columns. NaN: not measurable; `quality` says why.\n"
    return "\n".join((head, "| column | meaning | unit | type |", "| --- | --- | --- | --- |", *rows, ""))


def table_pages() -> dict[str, str]:
    """One page per table that is saved, shown or exported."""
    return {f"reference/tables/{name}.md": table_page(table) for name, table in tables.TABLES.items()}
