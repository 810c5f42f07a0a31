import pytest

from hsig.experiments.verdicts import RULES, VERDICTS
from hsig.reports.columns import COLUMNS
from hsig.reports.glossary import GLOSSARY


def test_every_verdict_is_explained_and_those_that_are_for_ever_say_so():
    assert set(VERDICTS) <= set(GLOSSARY)
    for word, rule in RULES.items():
        assert ("never solve it" in GLOSSARY[word]) is rule.never


@pytest.mark.parametrize("word", ["interval", "rank", "lost", "cost"])
def test_words_at_the_head_of_a_column_are_explained(word):
    assert word in COLUMNS
    assert word in GLOSSARY
