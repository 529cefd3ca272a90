"""Templates of this package filled in, and figures made ready for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ankle_imu.report import words
from ankle_imu.report.svg import inline_svg

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure


def picture(figure: Callable[..., Figure], subject: Any, name: str, alt: str) -> dict[str, str]:
    """Draw a figure twice, for a wide and for a narrow screen."""
    return {
        "wide": inline_svg(figure(subject), name, alt),
        "narrow": inline_svg(figure(subject, narrow=True), f"{name}-narrow", alt),
    }


def render(template: str, **values: Any) -> str:
    """Fill a template of this package."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("ankle_imu.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(words=words, **values)
