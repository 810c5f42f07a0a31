import json

import pytest
from commands import out_of

from hsig.errors import ConfigError
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


def test_words_are_found_whatever_their_case_and_others_are_refused():
    out = out_of("help", "holm", "RANK")
    assert [line.split()[0] for line in out.splitlines() if line[:1].strip()] == [
        "word", "Holm", "rank"
    ]  # fmt: skip
    assert len(json.loads(out_of("help", "-f", "json"))["tables"][0]["rows"]) == len(GLOSSARY)
    with pytest.raises(ConfigError, match=r"no word of hsig: seeed\. Known: diverged"):
        out_of("help", "seeed")
