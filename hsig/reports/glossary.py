"""The words that hsig uses, each in a sentence."""

from collections.abc import Mapping
from types import MappingProxyType

from hsig.experiments.verdicts import RULES
from hsig.reports.page import Page, Table, page_of_tables
from hsig.reports.phrases import GLYPHS, MEANINGS

_NEVER = "; more epochs never solve it"
_VERDICTS = {
    word: f"{MEANINGS[word]}{_NEVER if rule.never else ''} (a verdict, {GLYPHS[word]} in bars)"
    for word, rule in RULES.items()
}

GLOSSARY: Mapping[str, str] = MappingProxyType(
    _VERDICTS
    | {
        "baseline": "the variant that the others are compared with: the first, unless --baseline",
        "batch": "one step per epoch, on the mean gradient over the samples",
        "bce": "binary cross-entropy, -(y log p + (1 - y) log(1 - p))",
        "chaotic": "seeds end elsewhere when their initial weights differ in the last bit: rates "
        "hold, single seeds do not carry over to other software",
        "checkpoint": "an epoch whose costs and evidence are kept: 0, every report_every, the "
        "budget",
        "cost": "what tables show of the loss: the loss of the weights, or the running cost, by "
        "the key cost",
        "curve": "the median cost by epoch, from its beginning to its end, as a small picture",
        "difference": "the solved rate of a variant less that of the baseline, over the same seeds",
        "discordant": "a pair of runs of the same seed of which one is solved and the other is not",
        "end point": "where training ended on the surface of the mean loss: near a saddle, a "
        "minimum, a flat point, a kink, or on a slope",
        "epoch": "one pass over the samples of the task",
        "epochs to solve": "of a seed that is solved at the end, the first number of epochs after "
        "which every sample was right; where stop_at is a loss, the number with which it was "
        "reached; a median over all seeds, with an interval from order statistics",
        "epochs": "passes over the samples; as the head of a column, the median epochs to solve",
        "Holm": "a correction of several p-values, so that any false claim among them stays below "
        "5 % (Holm 1979)",
        "interval": "what rates the seeds that were run are compatible with, at 95 %; of a solved "
        "rate Wilson's, of a paired difference Newcombe's",
        "kink": "a point at which an activation changes its slope at once; a setting of this name "
        "chooses the slope there: open the flatter of both sides, closed the steeper, left, right, "
        "their mean or sum, own what the formula says",
        "loss of the weights": "the mean loss over all samples, each at the same weights, those of "
        "the epoch",
        "lost": "a seed that was solved and later, for an epoch at least, was not",
        "McNemar": "the exact test whether two variants solve the same share of the same seeds; it "
        "looks at the discordant pairs alone (McNemar 1947)",
        "Newcombe": "the interval of a difference of two paired rates (Newcombe 1998, method 10)",
        "online": "one step per sample, in the order of the samples unless they are shuffled",
        "paired": "compared seed by seed, from the same initial weights",
        "piece": "an interval on which an activation is a straight line",
        "power": "the probability that a test claims a difference that there is",
        "rank": "1 + how many variants are solved significantly more often, Holm over all pairs",
        "remedy": "the same experiment, from the same seeds, with one thing changed, or a few",
        "running cost": "the loss of each sample of an epoch before its own update, as a training "
        "loop prints it: the mean of all, or the last; online it is of many weights",
        "seed": "one run: the number that its initial weights are drawn with",
        "slope": "the derivative of an activation, or what backward puts in its place",
        "squared": "squared error, (p - y)**2",
        "variant": "one activation in one setting, such as hard:slope=0.25",
        "Wilson": "the interval of a rate from a count of seeds (Wilson 1927)",
    }
)


def glossary_page(words: tuple[str, ...]) -> Page:
    """These words, in alphabetical order."""
    chosen = sorted(words, key=str.casefold)
    rows = tuple((word, GLOSSARY[word]) for word in chosen)
    return page_of_tables(Table("", ("word", "means"), rows, prose=("word", "means"), whole=True))
