"""Texts from outside as they are to be seen: nothing in them acts, and nothing hides."""

import re


def visible(text: str, *, but: str = "") -> str:
    r"""The text with every character that cannot be seen as Python and YAML write it.

    These are control characters, those that turn the direction of writing, join or part letters,
    spaces other than the usual one, lone surrogates, and code points that are no characters.

    Args:
        text: Any.
        but: Characters that stay, such as a line feed where there are lines.

    >>> print(visible("hard\u202e\n"), visible("a\nb", but="\n").count("\n"))
    hard\u202e\n 1
    """
    rest = text
    for kept in but:
        rest = rest.replace(kept, "")
    if rest.isprintable():
        return text
    hidden = {c for c in set(rest) if not c.isprintable()}
    return text.translate({ord(c): _written(c) for c in hidden})


def message(text: str) -> str:
    r"""A message as it is to be seen, such that no text in it begins a line of its own.

    A line feed stays before a line that is indented, as the further lines of hsig's messages are.

    >>> print(message("no such file: a\nerror: b\n  such as c"))
    no such file: a\nerror: b
      such as c
    """
    return _BEFORE_A_LINE.sub(r"\\n", visible(text, but="\n"))


_BEFORE_A_LINE = re.compile(r"\n(?! )")


def _written(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def shortened(text: str, most: int) -> str:
    """The text, or where it is longer its beginning and its end with an ellipsis between them.

    >>> shortened("a formula without end", 9)
    'a fo… end'
    """
    if len(text) <= most:
        return text
    end = (most - 1) // 2
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"
