"""Texts as HTML: whatever they hold they are text, and however long they are they fit."""

import re
from html import escape

from hsig.reports.visible import shortened, visible

CELL_MOST, LINE_MOST, NAME_MOST = 300, 5000, 90  # characters that are shown at once
_BRIEF = 400  # of what is longer, at most
_PERCENT = re.compile(r"(?<![\w.])\d[\d.]* %")
_LINES = "\n\t"


def phrase(text: str, most: int = NAME_MOST) -> str:
    """A text in a line, also in an attribute: what is longer loses its middle."""
    return escape(shortened(visible(text), most))


def folded(text: str, most: int) -> str:
    """A text; where it is longer its beginning and end, which open to the whole."""
    seen = visible(text)
    if len(seen) <= most:
        return _unbroken(escape(seen))
    brief = escape(shortened(seen, min(most // 2, _BRIEF)))
    return f"<details><summary>{brief}</summary>{escape(seen)}</details>"


def _unbroken(escaped: str) -> str:
    """With no line that ends between a number and its unit."""
    return _PERCENT.sub(r'<span class="unit">\g<0></span>', escaped)


def paragraph(text: str, kind: str = "") -> str:
    """A text as a paragraph.

    Args:
        text: What it says.
        kind: Its class.
    """
    named = f' class="{kind}"' if kind else ""
    made = folded(text, LINE_MOST)
    tag = "div" if made.startswith("<details>") else "p"  # a paragraph holds no block
    return f"<{tag}{named}>{made}</{tag}>"


def code(text: str) -> str:
    """A text of several lines as it is, for a shell or a file."""
    return f"<pre><code>{escape(visible(text, but=_LINES))}</code></pre>"
