"""A figure as inline SVG: text stays text, ids do not clash, nothing points outside the page."""

from __future__ import annotations

import io
import re
from html import escape
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
    text = _plain(svg_text(figure, name), name)
    head = f'<svg role="img" data-name="{name}" aria-label="{escape(alt)}" viewBox="{_view_box(text)}">'
    return head + text[text.index(">") + 1 :]


def inline_panels(figure: Figure, name: str, alt: str) -> str:
    """Render a grid of panels for the inside of an HTML page, each a drawing of its own.

    Parameters
    ----------
    figure : matplotlib Figure whose axes stand in one grid, as `style.panels` makes it
    name, alt : as of `inline_svg`

    Returns
    -------
    html : str, a `<div role="img">`; the page sets its panels side by side or one below the other
    """
    text = _plain(svg_text(figure, name).replace('<g id="axes_', f'{_CUT}<g id="axes_'), name)
    *panels, last = text.split(_CUT)[1:]
    end = last.rfind("</g><defs><clipPath")
    last, shared = (last[:end], last[end + 4 : -6]) if end >= 0 else (last[:-10], "")
    drawn = [*panels, last + shared]
    boxes, columns = _cells(figure)
    inner = "".join(
        f'<svg aria-hidden="true" viewBox="{box}">{panel}</svg>' for box, panel in zip(boxes, drawn, strict=True)
    )
    style = f'class="panels" style="--columns:{columns}"'
    return f'<div {style} role="img" data-name="{name}" aria-label="{escape(alt)}">{inner}</div>'


_CUT: Final = "\0"


def _cells(figure: Figure) -> tuple[list[str], int]:
    """View box of each panel's cell, and the columns of the grid."""
    boxes, columns = [], 1
    width, height = (72.0 * float(inches) for inches in figure.get_size_inches())
    for ax in figure.axes:
        spec = ax.get_subplotspec()
        if spec is None:
            raise ValueError("The axes of this figure stand in no grid; draw it with inline_svg.")
        rows, columns = spec.get_gridspec().get_geometry()
        x, y = spec.colspan.start * width / columns, spec.rowspan.start * height / rows
        boxes.append(f"{x:g} {y:g} {width / columns:g} {height / rows:g}")
    return boxes, columns


def _view_box(text: str) -> str:
    found = re.search(r'viewBox="([^"]*)"', text)
    return found[1] if found else ""


def _plain(text: str, name: str) -> str:
    """The same picture in half the letters, without what a page need not know; ids that are used get a prefix."""
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = text[text.index("<svg") :]
    used = {one or other for one, other in re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', text)}
    text = _ATTRIBUTE.sub(lambda m: _short(m, name, used), text)
    text = re.sub(r"\s*\n\s*", " ", text)
    return _GROUP.sub(r"\1", text.replace("> <", "><").replace("<defs></defs>", ""))


_ATTRIBUTE: Final = re.compile(r' (xmlns|xmlns:xlink|id|d|x|y|style|transform|clip-path|xlink:href)="([^"]*)"')
_GROUP: Final = re.compile(r"<g>((?:(?!<g[ >]|</g>).)*)</g>")
"""A group without a name around things that are no groups."""


def _short(attribute: re.Match[str], name: str, used: set[str]) -> str:
    """One attribute as the page needs it: tenths of a pixel, the page's own typeface, ids that are its own."""
    key, value = attribute[1], attribute[2]
    if key == "d":
        value = re.sub(r"(\.\d)\d+", r"\1", value)
        value = re.sub(r"\s*([A-Za-z])\s*", r"\1", value).strip()
    elif key in ("x", "y"):
        value = re.sub(r"(\.\d)\d+", r"\1", value)
    elif key == "style":
        value = _style(value)
    elif key == "transform":
        if value.startswith("rotate(-0 "):
            return ""
        value = re.sub(r"(\.\d)\d+", r"\1", value)
    elif key == "clip-path":
        value = value.replace("url(#", f"url(#{name}-")
    elif key == "xlink:href":
        return f' href="#{name}-{value[1:]}"' if value.startswith("#") else f' href="{value}"'
    elif key == "id" and value in used:
        value = f"{name}-{value}"
    else:
        return ""
    return f' {key}="{value}"'


def _style(value: str) -> str:
    if "font" in value:
        value = re.sub(r"font-family: [^;]*(; |$)", "", value)
        value = re.sub(r"(font: [^;]*px) [^;]*", r"\1 sans-serif", value)
    return re.sub(r"(\.\d\d)\d+", r"\1", value).replace(": ", ":").replace("; ", ";")


def svg_text(figure: Figure, salt: str) -> str:
    """Render a figure as an SVG document, the same bytes every time."""
    import matplotlib as mpl

    sink = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt, "path.simplify": True}):
        figure.savefig(sink, format="svg", dpi=144, metadata={"Date": None})
    return sink.getvalue()
