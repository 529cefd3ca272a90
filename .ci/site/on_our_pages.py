"""What our pages need beyond Sphinx: equations without a script, names that lead to pages, whole sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from docutils import nodes
from docutils.utils.math import MathError, pick_math_environment
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx import addnodes
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

LOG = logging.getLogger(__name__)


def mathml(node: nodes.Element, text: str, *, as_block: bool) -> str:
    """MathML of a formula; one that cannot be read is a warning, which ends a build."""
    try:
        return str(tex2mathml(text, as_block=as_block))
    except MathError as error:
        LOG.warning("formula cannot be read: %s", error, location=node, type="math")
        return ""


def visit_math(self: Any, node: nodes.math) -> None:
    """Write a formula of a sentence as MathML, which browsers draw by themselves."""
    self.body.append(mathml(node, node.astext(), as_block=False))
    raise nodes.SkipNode


def visit_displaymath(self: Any, node: nodes.math_block) -> None:
    """Write a formula of its own line likewise."""
    text = node.astext()
    if pick_math_environment(text) == "align*":
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    self.body.append(f'<div class="math">{mathml(node, text, as_block=True)}</div>')
    raise nodes.SkipNode


class LinkNames(SphinxTransform):
    """`firmware_notes/buy.md` and `ankle-imu demo` in the text lead to their pages, where the site has them."""

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        """Put a reference in place of each literal that names a page."""
        for node in list(self.document.findall(nodes.literal)):
            text = node.astext()
            page, is_command = page_of(text)
            if page not in self.env.found_docs or page == self.env.docname:
                continue
            if isinstance(node.parent, nodes.reference | addnodes.pending_xref):
                continue
            told = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{page}", "refdoc": self.env.docname}
            link = addnodes.pending_xref("", refexplicit=is_command, **told)
            node.replace_self(link)
            link += node if is_command else nodes.inline("", text, classes=["doc"])


def page_of(text: str) -> tuple[str, bool]:
    """Page that a literal may mean, and whether it is that of a command, whose words stay as they are."""
    command = re.match(r"ankle-imu ([a-z]+)", text)
    if command:
        return f"reference/cli/{command.group(1)}", True
    name, _, suffix = text.rpartition(".")
    return (name if suffix in ("md", "ipynb") else ""), False


def join_sentences(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Let what is said of a parameter stand in one piece, and keep the bars of `|a|` and `left | right`.

    Our docstrings begin the sentence behind the colon and go on below; numpydoc takes the first line for a type.
    """
    made: list[str] = []
    in_list = False
    for k, line in enumerate(lines):
        if k + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[k + 1].strip()):
            in_list = line.strip() in ("Parameters", "Returns", "Yields", "Attributes", "Other Parameters")
        found = re.fullmatch(r"([\w*][\w, *]*?) : (.+)", line) if in_list else None
        goes_on = lines[k + 1].strip() if found and k + 1 < len(lines) else ""
        stop = "." if found and found.group(2)[-1].isalnum() and goes_on[:1].isupper() else ""
        made += [found.group(1).replace("*", r"\*"), f"    {found.group(2)}{stop}"] if found else [line]
    lines[:] = [re.sub(r"(?<![\\`])\|", r"\|", line) if ">>>" not in line else line for line in made]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register them with Sphinx."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    app.add_transform(LinkNames)
    app.connect("autodoc-process-docstring", join_sentences, priority=100)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
