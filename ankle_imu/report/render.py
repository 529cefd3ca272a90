"""Templates of this package filled in, and figures made ready for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from ankle_imu.report import words
from ankle_imu.report.svg import inline_panels, inline_svg

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jinja2 import Environment
    from matplotlib.figure import Figure


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One figure of a page: `wide` and `narrow` as inline SVG, `alt` in words, `draw` for paper.

    `narrow` is empty where the panels of `wide` find their places on any screen.
    """

    name: str
    wide: str
    narrow: str
    alt: str
    draw: Callable[[], Figure]


def picture(figure: Callable[..., Figure], subject: Any, name: str, alt: str) -> Picture:
    """Draw a figure twice, for a wide and for a narrow screen."""
    return Picture(
        name=name,
        wide=inline_svg(figure(subject), name, alt),
        narrow=inline_svg(figure(subject, narrow=True), f"{name}-narrow", alt),
        alt=alt,
        draw=partial(figure, subject),
    )


def panelled(figure: Callable[..., Figure], subject: Any, name: str, alt: str) -> Picture:
    """Draw a figure of panels once: the page puts them beside or below one another."""
    draw = partial(figure, subject)
    return Picture(name=name, wide=inline_panels(draw(), name, alt), narrow="", alt=alt, draw=draw)


def pictures(values: Any) -> Iterator[Picture]:
    """Every picture among the values of a page, in their order."""
    if isinstance(values, Picture):
        yield values
    elif isinstance(values, Mapping):
        for value in values.values():
            yield from pictures(value)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from pictures(value)


def render(template: str, **values: Any) -> str:
    """Fill a template of this package."""
    return str(_templates().get_template(template).render(words=words, **values))


@cache
def _templates() -> Environment:
    """The templates, compiled once a process."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("ankle_imu.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
