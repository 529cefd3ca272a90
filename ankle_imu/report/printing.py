"""A page on paper: printed to PDF by a browser that is installed."""

from __future__ import annotations

import os
import platform
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from ankle_imu.durable import write_whole

TIMEOUT_S: Final = 60.0
"""A page of 1 MB prints in 2 s; a browser that takes thirty times that will not come (ours)."""

_COMMANDS: Final = (
    "chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome",
    "microsoft-edge-stable", "microsoft-edge", "msedge",
)  # fmt: skip
_MAC: Final = ("Google Chrome", "Chromium", "Microsoft Edge")
_WINDOWS: Final = (
    "Google/Chrome/Application/chrome.exe", "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)  # fmt: skip
_OPTIONS: Final = (
    "--headless", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip


def find_browsers() -> Iterator[Path]:
    """Every Chromium, Chrome and Edge of this machine, the likeliest first."""
    for name in _COMMANDS:
        found = shutil.which(name)
        if found:
            yield Path(found)
    yield from (path for path in _usual_places() if path.is_file())


def _usual_places() -> Iterator[Path]:
    system = platform.system()
    if system == "Darwin":
        for root in (Path("/Applications"), Path.home() / "Applications"):
            yield from (root / f"{name}.app" / "Contents" / "MacOS" / name for name in _MAC)
    if system == "Windows":
        for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
            if os.environ.get(variable):
                yield from (Path(os.environ[variable]) / name for name in _WINDOWS)


def print_page(html: str, target: Path) -> Path | None:
    """Print a page to PDF, all its folded tables open.

    Parameters
    ----------
    html : str, a page that needs nothing but itself
    target : Path of the PDF; an existing one is replaced as a whole or not at all

    Returns
    -------
    Path or None
        The browser that printed; None where none is installed or none gave a PDF.

    Raises
    ------
    StorageError
        If the file cannot be written.

    Notes
    -----
    The browser runs without a window, a network or the person's own profile; it keeps its sandbox unless it runs
    as root, where it has none to offer.
    """
    for browser in find_browsers():
        content = _print_with(browser, html.replace("<details", "<details open"))
        if content:
            write_whole(target, content)
            return browser
    return None


def _print_with(browser: Path, html: str) -> bytes:
    """The PDF; empty when the browser gave none."""
    with tempfile.TemporaryDirectory(prefix="ankle-imu-", ignore_cleanup_errors=True) as folder:
        page, pdf = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(html, encoding="utf-8")
        is_root = hasattr(os, "geteuid") and os.geteuid() == 0
        command = [
            str(browser), *_OPTIONS, *(("--no-sandbox",) if is_root else ()),
            f"--user-data-dir={Path(folder, 'profile')}", f"--print-to-pdf={pdf}", page.as_uri(),
        ]  # fmt: skip
        _run(command)
        content = pdf.read_bytes() if pdf.is_file() else b""
    return content if content.startswith(b"%PDF") else b""


def _run(command: list[str]) -> None:
    """Run a browser to its end, or end it and its children after a time."""
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=os.name == "posix",
        )  # fmt: skip
    except OSError:
        return
    try:
        process.wait(TIMEOUT_S)
    except BaseException as error:
        with suppress(ProcessLookupError, PermissionError):
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
        if not isinstance(error, subprocess.TimeoutExpired):
            raise
