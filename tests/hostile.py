"""Texts that would act on a screen."""

from commands import run_main as hsig
from hypothesis import strategies as st

__all__ = ["ACTING", "MARKING", "SEEN", "UNDECODED", "hsig", "is_inert", "names", "texts"]

# control characters, C1 among them; directions, joiners, odd spaces, ends of lines; what Markdown,
# HTML, CSV, spreadsheets and rich take for more than a text; a private and an unused code point
ACTING = (
    "\x00\x07\x08\t\n\x0b\r\x1b\x7f\x85\x9b\xa0\xad\u061c\u200b\u200d\u200f\u2028\u2029\u202e\u2066"
    "\ufeff\ue000\U000e0041\U0010ffff"
)
MARKING = "|`<>[](){}*_#!&\"'\\,;:=+-@$%~^?"
SEEN = "ax0. é界😀́"
UNDECODED = "\udc80\udcff"  # bytes of a file name that are no UTF-8
WHOLE = ("\x1b[31m", "\x1b]0;title\x07", "\r\n", "[/red]", "[bold]", "<script>", "\nerror: x")


def texts(characters=ACTING + MARKING + SEEN + UNDECODED, *, most=12):
    """Texts of such characters, and of the sequences that are known to act."""
    part = st.sampled_from([*characters]) | st.sampled_from(
        [one for one in WHOLE if set(one) - set("itlerdbosc13m0;px ") <= set(characters)]
    )
    return st.lists(part, min_size=1, max_size=most).map("".join)


def names():
    """Such texts as names of files."""
    characters = "".join(c for c in ACTING + MARKING + SEEN + UNDECODED if c not in "\x00/")
    return texts(characters)


def is_inert(text):
    """Whether all in it is seen, and nothing acts."""
    return all(character.isprintable() or character == "\n" for character in text)
