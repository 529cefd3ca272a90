"""The modules that build the site, and where its sources lie."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

SITE = Path(__file__).parents[2] / ".ci" / "site"


def _module(name: str) -> ModuleType:
    sys.path.insert(0, str(SITE))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(SITE))


@pytest.fixture(scope="session")
def build() -> ModuleType:
    return _module("build")


@pytest.fixture(scope="session")
def reference() -> ModuleType:
    return _module("reference")


@pytest.fixture(scope="session")
def readme() -> ModuleType:
    return _module("readme")


@pytest.fixture(scope="session")
def finished() -> ModuleType:
    return _module("finished")


@pytest.fixture(scope="session")
def on_our_pages() -> ModuleType:
    pytest.importorskip("sphinx", reason="the extra `docs` is not installed; .ci/build-site has it")
    return _module("on_our_pages")


@pytest.fixture(scope="session")
def pages(build: ModuleType) -> dict[str, str]:
    """Every page of the site but the notebooks, as Sphinx gets it."""
    found: dict[str, str] = build.all_pages()
    return found
