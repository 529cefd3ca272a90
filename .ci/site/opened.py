"""The built site as a reader has it: every page opened from its file at the width of a phone, and a search made.

Usage: python .ci/site/opened.py SITE; .ci/build-site calls it. Without a browser it says so and passes.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PHONE = {"width": 360, "height": 740}
SOUGHT = {"range_stance_deg": "Table strides", "glossary": "Glossary"}
"""What is searched for, and a page that must be among what is found."""

CUT_OFF = """() => [...document.querySelectorAll("article *")].filter(one => {
  if (one.getBoundingClientRect().right <= innerWidth + 1) return false;
  for (let at = one; at.tagName !== "ARTICLE"; at = at.parentElement)
    if (["auto", "scroll"].includes(getComputedStyle(at).overflowX)) return false;
  return true;
}).map(one => `${one.tagName} ${one.textContent.trim().slice(0, 50)}`)"""
"""What reaches beyond the screen and lies in nothing that can be pushed aside."""


def problems(site: Path, program: str) -> Iterator[str]:
    """Sentences on what a reader would stumble over."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = browser.new_context(viewport=PHONE, offline=True).new_page()
        heard: list[str] = []
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else heard.append(r.url))
        page.on("console", lambda m: heard.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: heard.append(str(error)))
        for path in sorted(site.rglob("*.html")):
            yield from (f"{path.relative_to(site)}: {wrong}" for wrong in _of_page(page, path, heard))
        yield from _searched(page, site)
        browser.close()


def _of_page(page: Any, path: Path, heard: list[str]) -> Iterator[str]:
    heard.clear()
    page.goto(path.as_uri())
    for cut in page.evaluate(CUT_OFF)[:3]:
        yield f"is cut off at the edge of a phone: {cut}"
    for one in heard:
        yield f"asks for or complains of {one}"


def _searched(page: Any, site: Path) -> Iterator[str]:
    for word, title in SOUGHT.items():
        page.goto(f"{(site / 'search.html').as_uri()}?q={word}")
        try:
            page.locator("#search-results").get_by_role("link", name=title, exact=True).first.wait_for(
                state="attached", timeout=20_000
            )
        except Exception as error:  # whatever the browser says: the page was not found
            yield f"search for {word} does not find '{title}': {str(error).splitlines()[0]}"


def main(site: Path) -> int:
    """0 when nothing is wrong, or there is no browser to see it with."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    try:
        import playwright  # noqa: F401
    except ImportError:
        program = None
    if program is None:
        print("not opened in a browser: Playwright and Chromium are needed for that", file=sys.stderr)
        return 0
    wrong = list(problems(site, program))
    for sentence in wrong:
        print(sentence, file=sys.stderr)
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve()))
