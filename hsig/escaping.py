"""Texts from outside as they are to be seen: nothing in them acts on a screen, and nothing hides.

Nothing heavy is imported.
"""

import re

_LINE_BREAK = re.compile(r"\n(?! )")  # a line of a message that is indented belongs to it


def escape_control(text: str, *, keep: str = "") -> str:
    r"""Write every character that cannot be seen as Python and YAML do.

    These are control characters, those that turn the direction of writing, join or part letters,
    spaces other than the usual one, lone surrogates, and code points that are no characters.

    Args:
        text: Any.
        keep: Characters that stay, such as a line feed where there are lines.

    >>> print(escape_control("hard\u202e\n"), escape_control("a\nb", keep="\n").count("\n"))
    hard\u202e\n 1
    """
    hidden = {c for c in set(text) if not c.isprintable() and c not in keep}
    return text.translate({ord(c): c.encode("unicode_escape").decode("ascii") for c in hidden})


def escape_message(text: str) -> str:
    r"""A message of which no text begins a line of its own, unless the line is indented.

    >>> print(escape_message("no such file: a\nerror: b\n  such as c"))
    no such file: a\nerror: b
      such as c
    """
    return _LINE_BREAK.sub(r"\\n", escape_control(text, keep="\n"))
