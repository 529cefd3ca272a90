"""The README in sections, and the pages that they are put into: each fact is written once.

A page says `<!-- README: Signs -->` where that section is to stand; as the first line of a page, its heading
becomes the title. `<!-- README, told here: Signs -->` stands on a page that tells the same at greater length. A
link to `README.md#signs` from any page then leads there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MARK = re.compile(r"^<!-- README(, told here)?: (.*?) -->$", re.MULTILINE)
TOP = "top"
"""Name of what stands before the first heading of the second level, less the title."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """One section of the README: heading and text below it."""

    heading: str
    body: str


def anchor(heading: str) -> str:
    """What a link to a heading has after the `#`, as GitHub and MyST make it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def sections(text: str) -> dict[str, Section]:
    """Cut the README at its headings of the second level; links become those of the site's top folder."""
    head, *rest = re.split(r"^## ", text, flags=re.MULTILINE)
    found = {TOP: Section(heading="", body=_rooted(head.partition("\n")[2]))}
    for part in rest:
        heading, _, body = part.partition("\n")
        found[heading.strip()] = Section(heading=heading.strip(), body=_rooted(body))
    return found


def _rooted(text: str) -> str:
    return re.sub(r"\]\((?!\w+:|#|/)([^)]+)\)", r"](/\1)", text)


def homes(pages: Mapping[str, str]) -> dict[str, str]:
    """Page each section stands in, with the place in it where it is not the page's own subject.

    Raises
    ------
    ValueError
        When two pages ask for one section.
    """
    found: dict[str, str] = {}
    for name, text in pages.items():
        for mark in MARK.finditer(text):
            is_told, heading = mark.groups()
            if heading in found:
                raise ValueError(f"README's '{heading}' stands in {found[heading]} and in {name}; once is enough.")
            is_subject = is_told or heading == TOP or mark.start() == 0
            found[heading] = name if is_subject else f"{name}#{anchor(heading)}"
    return found


def fill(text: str, known: Mapping[str, Section]) -> str:
    """Put the sections in place of their marks.

    Raises
    ------
    ValueError
        When the README has no such section.
    """

    def section(found: re.Match[str]) -> str:
        is_told, heading = found.groups()
        if heading not in known:
            raise ValueError(f"README has no section '{heading}'; it has {', '.join(known)}.")
        if is_told:
            return ""
        if heading == TOP:
            return known[heading].body
        level = "#" if found.start() == 0 else "##"
        return f"{level} {heading}\n{known[heading].body}"

    return MARK.sub(section, text)


def relink(text: str, home: Mapping[str, str]) -> str:
    """Lead links into the README to the pages that hold its sections.

    Raises
    ------
    ValueError
        When a link leads to no section.
    """
    places = {anchor(heading): page for heading, page in home.items() if heading != TOP}

    def link(found: re.Match[str]) -> str:
        place = found.group(1)
        if place and place not in places:
            raise ValueError(f"A link leads to README.md#{place}; it has {', '.join(sorted(places))}.")
        return f"](/{places[place] if place else home[TOP]})"

    return re.sub(r"\]\((?:\.\./|/)*README\.md(?:#([\w-]+))?\)", link, text)
