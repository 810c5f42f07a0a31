"""Texts from outside as they are to be seen: nothing in them acts, and nothing hides."""


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
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in but else _written(c) for c in text)


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
