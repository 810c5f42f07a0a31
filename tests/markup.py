"""How tests look at HTML: a small parser that takes nothing amiss for granted."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "link", "img", "input"}
PHRASING_ONLY = {"p", "h1", "h2", "h3", "summary", "span", "a", "title"}  # what no block may be in
BLOCKS = {"p", "div", "table", "details", "figure", "pre", "ul", "ol", "section", "h1", "h2", "h3"}


@dataclass(eq=False)
class Element:
    """An element: its tag, attributes, and the elements and texts in it."""

    tag: str
    attributes: dict = field(default_factory=dict)
    children: list = field(default_factory=list)

    def every(self, *tags):
        """Those of some tags below it, in the order of the file."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if not tags or child.tag in tags:
                    found.append(child)
                found += child.every(*tags)
        return found

    @property
    def text(self):
        """All that is written in it, but for styles and scripts."""
        if self.tag in ("style", "script"):
            return ""
        return "".join(c if isinstance(c, str) else c.text for c in self.children)

    @property
    def whole(self):
        """The same as it is when all that is folded is open."""
        for child in self.children:
            if isinstance(child, Element) and child.tag == "details":
                return "".join(c if isinstance(c, str) else "" for c in child.children)
        return self.text


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open = [Element("")]

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs), f"an attribute twice: {attrs}"
        inside = {element.tag for element in self.open}
        assert tag not in BLOCKS or not inside & PHRASING_ONLY, f"{tag} within {inside}"
        element = Element(tag, dict(attrs))
        self.open[-1].children.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data):
        self.open[-1].children.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


def parsed(text):
    """The tree of a text of HTML, in which every tag is closed where it should be."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    (root,) = reader.open
    return root


def rows_of(table):
    """What its cells say, row by row, the head first."""
    return [[cell.whole for cell in row.every("th", "td")] for row in table.every("tr")]


def contrast(one, other):
    """Of two colours as #rrggbb, by WCAG 2.2."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour):
    if len(colour) == 4:
        colour = "#" + "".join(2 * digit for digit in colour[1:])
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
