"""Every kind of page is as it is kept; `python tests/golden_pages.py` makes it anew."""

import json

import pytest
from golden_pages import FOLDER, PAGES, differences, kept_page, make_pages

from hsig.engines import compiled

pytestmark = pytest.mark.skipif(
    not compiled.is_available(), reason="pages name the compiled engine"
)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_was_read_in_review(name):
    for kind, made in make_pages(PAGES[name]).items():
        kept = kept_page(name, kind)
        if kind == "json":
            assert not differences(json.loads(made), json.loads(kept))
        else:
            assert made == kept


def test_no_page_is_kept_that_is_not_made():
    made = {f"{name}.{kind}" for name, page in PAGES.items() for kind in page.formats}
    assert {path.name for path in FOLDER.iterdir()} == made
