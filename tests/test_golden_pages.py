"""Every kind of page is as it is kept; `python tests/golden_pages.py` makes it anew."""

import json

import pytest
from golden_pages import FOLDER, PAGES, differences, kept_page, make_page

from hsig.engines import compiled

pytestmark = pytest.mark.skipif(
    not compiled.is_available(), reason="pages name the compiled engine"
)
KEPT = [(name, kind) for name, page in PAGES.items() for kind in page.formats]


@pytest.mark.parametrize(("name", "kind"), KEPT, ids=map(".".join, KEPT))
def test_a_page_is_as_it_was_read_in_review(name, kind):
    made, kept = make_page(PAGES[name], kind), kept_page(name, kind)
    if kind == "json":
        assert not differences(json.loads(made), json.loads(kept))
    else:
        assert made == kept


def test_no_page_is_kept_that_is_not_made():
    assert {path.name for path in FOLDER.iterdir()} == set(map(".".join, KEPT))
