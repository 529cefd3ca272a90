"""A figure as inline SVG: text stays text, ids do not clash, nothing points outside the page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def inline_svg(figure: Figure, name: str, alt: str) -> str:
    """Render a figure for the inside of an HTML page.

    Parameters
    ----------
    figure : matplotlib Figure
    name : str, letters and hyphens, unique in the page: prefix of every id
    alt : str, what the picture shows, with numbers

    Returns
    -------
    svg : str, an `<svg role="img">` element without metadata, namespaces or script
    """
    from html import escape

    text = re.sub(r"<metadata>.*?</metadata>", "", svg_text(figure, name), flags=re.DOTALL)
    text = text[text.index("<svg") :]
    text = re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", text).replace("xlink:href=", "href=")
    used = {one or other for one, other in re.findall(r'url\(#([^)]*)\)|"#([^"]*)"', text)}
    text = re.sub(r'\sid="([^"]*)"', lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", text)
    text = _compact(text)
    text = text.replace("url(#", f"url(#{name}-").replace('href="#', f'href="#{name}-')
    return re.sub(
        r'<svg[^>]*?viewBox="([^"]*)"[^>]*>',
        lambda m: f'<svg role="img" data-name="{name}" aria-label="{escape(alt)}" viewBox="{m[1]}">',
        text,
        count=1,
    )


_TYPEFACE: Final = r"('[^';\"]*', )+[a-z-]+"
"""Names of fonts, which the page sets for itself."""


def _compact(text: str) -> str:
    """The same picture in half the letters: tenths of a pixel, the page's own typeface, no indentation."""
    text = re.sub(r' transform="rotate\(-?0 [^"]*\)"', "", text)
    text = re.sub(r'(?<= )(d|x|y|style)="([^"]*)"', _short, text)
    text = re.sub(r"(\d\.\d\d)\d+", r"\1", text)
    return re.sub(r"\s*\n\s*", " ", text).replace("> <", "><")


def _short(attribute: re.Match[str]) -> str:
    name, value = attribute[1], attribute[2]
    if name == "style":
        value = re.sub(rf"font-family: {_TYPEFACE};? ?", "", value)
        value = re.sub(rf"(font: [^;]*px) {_TYPEFACE}", r"\1 sans-serif", value)
        value = value.replace(": ", ":").replace("; ", ";")
    else:
        value = re.sub(r"(\.\d)\d+", r"\1", value)
        value = re.sub(r"\s*([A-Za-z])\s*", r"\1", value).strip()
    return f'{name}="{value}"'


def svg_text(figure: Figure, salt: str) -> str:
    """Render a figure as an SVG document, the same bytes every time."""
    import matplotlib as mpl

    sink = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt, "path.simplify": True}):
        figure.savefig(sink, format="svg", dpi=144, metadata={"Date": None})
    return sink.getvalue()
