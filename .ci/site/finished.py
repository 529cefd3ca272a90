"""What a built site must keep: every link inside it leads somewhere, and it asks nothing of anybody else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""Elements for which a browser fetches something by itself."""


class Page(HTMLParser):
    """Links, anchors and fetched files of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what this element refers to."""
        told = {name: value or "" for name, value in attrs}
        self.anchors |= {told[name] for name in ("id", "name") if name in told}
        if tag == "a" and "href" in told:
            self.links.append(told["href"])
        wanted = told.get(FETCHED.get(tag, ""), "")
        if wanted and not wanted.startswith("data:"):
            self.fetched.append(wanted)


def problems(out: Path) -> list[str]:
    """Sentences on what is wrong with the site in this folder."""
    pages = {path.resolve(): Page(path.read_text("utf-8")) for path in sorted(out.rglob("*.html"))}
    found = [f"{path.name}: {wrong}" for path, page in pages.items() for wrong in _of_page(path, page, pages)]
    for style in sorted(out.rglob("*.css")):
        far = re.findall(r"(?:@import|url\()\s*['\"]?((?:https?:)?//[^'\")\s]+)", style.read_text("utf-8"))
        found += [f"{style.name} fetches {address}" for address in far]
    return found


def _of_page(path: Path, page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    for address in page.fetched:
        parts = urlsplit(address)
        if parts.scheme or parts.netloc:
            yield f"fetches {address}; expected a file of the site"
        elif not (path.parent / unquote(parts.path)).exists():
            yield f"shows {address}, which is not there"
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if target.is_dir():
            target /= "index.html"
        if not target.exists():
            yield f"leads to {link}, which is not there"
        elif target in pages and unquote(parts.fragment) not in pages[target].anchors:
            yield f"leads to {link}, but no such place is on that page"
