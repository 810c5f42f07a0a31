import codecs
import unicodedata

import pytest
from hostile import ACTING, UNDECODED, is_inert, texts
from hypothesis import given
from hypothesis import strategies as st

from hsig.escaping import escape_control, escape_message

ANY = st.text(st.characters(exclude_categories=())) | texts()


@given(ANY)
def test_every_character_of_a_text_can_be_seen_and_the_text_be_read_again(text):
    seen = escape_control(text)
    assert seen.isprintable()
    assert escape_control(seen) == seen
    if "\\" not in text:
        escaped = "".join(c if c.isascii() else c.encode("unicode_escape").decode() for c in seen)
        assert codecs.decode(escaped, "unicode_escape") == text


@given(st.text(st.characters(categories=("L", "N", "M", "P", "S"))))
def test_letters_marks_and_signs_stay_as_they_are(text):
    assert escape_control(text) == text


@pytest.mark.parametrize("character", ACTING + UNDECODED, ids=ascii)
def test_what_would_act_or_hide_is_written(character):
    assert unicodedata.category(character)[0] in "CZ"
    assert escape_control(character).isascii()
    assert escape_control(f"a{character}b") == f"a{escape_control(character)}b"


@given(ANY, st.sampled_from(["\n", "\n\t"]))
def test_what_may_stay_stays_and_the_rest_is_as_without_it(text, kept):
    seen = escape_control(text, keep=kept)
    assert seen.count("\n") == text.count("\n")
    if "\t" not in text:
        assert seen == "\n".join(map(escape_control, text.split("\n")))


@given(ANY)
def test_no_text_in_a_message_begins_a_line_of_its_own(text):
    first, *others = escape_message(f"{text}: no such file").split("\n")
    assert is_inert(first)
    assert all(other.startswith(" ") for other in others)
