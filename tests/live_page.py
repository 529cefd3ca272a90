"""What is asked of every live page, in a real browser."""

from __future__ import annotations

from typing import Any

PATIENCE_MS = 30_000


def word(page: Any, text: str) -> None:
    """Wait until the state bar says this."""
    page.wait_for_function(
        "text => document.getElementById('bar').textContent.includes(text)", arg=text, timeout=PATIENCE_MS
    )


def fits(page: Any) -> None:
    """Nothing is wider than the screen, no words lie across others, and what is pressed is large enough."""
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    low = page.evaluate(
        "[...document.querySelectorAll('main button')].filter(b => b.offsetParent)"
        ".filter(b => b.offsetHeight < 44 || b.offsetWidth < 44 || b.scrollWidth > b.clientWidth + 1)"
        ".map(b => b.textContent)"
    )
    assert low == []


def is_clear_to_all(page: Any, axe: str) -> None:
    """Axe finds nothing serious on the page as it stands; its script runs outside the page's policy."""
    session = page.context.new_cdp_session(page)
    session.send("Runtime.evaluate", {"expression": axe})
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    bad = [(v["id"], v["impact"], v["nodes"][0]["html"][:120]) for v in found]
    assert [one for one in bad if one[1] in ("serious", "critical", "moderate")] == []
