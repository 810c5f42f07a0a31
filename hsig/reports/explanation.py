"""The page that says why a variant failed: from its numbers and the remedies that were tried."""

from collections.abc import Sequence

from hsig.analysis.end_points import end_points_of
from hsig.analysis.remedies import Trial, best, smallest
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Summary, Timeline, VariantSummary
from hsig.config.assembling import resolved_keys
from hsig.config.values import Json
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.verdicts import SLOW
from hsig.reports.documents import (
    FAILED_VERDICTS,
    SOLVED_COLUMNS,
    counts,
    document,
    solved_columns,
    solved_or_null,
)
from hsig.reports.end_points import document_of_end_points, told_end_points
from hsig.reports.numbers import brief, count, percent
from hsig.reports.page import Block, Line, Page, Table, lines
from hsig.reports.story import piece_name, solved_later, told, told_later
from hsig.reports.words import (
    GLYPHS,
    heading,
    interval,
    legend,
    rate_of,
    result_line,
    verdict_bar,
    verdict_counts,
)

_TIMELINE_MOST = 10  # rows
_BAR = 10  # characters
_WELL = 0.9  # of the seeds solved, by the whole interval: nothing needs mending


def explanation_page(
    outcome: Outcome, summary: Summary, trials: Sequence[Trial], *, missing: int = 0
) -> Page:
    """The page that says why the one variant of an experiment failed.

    Args:
        outcome: What became of it.
        summary: Its numbers.
        trials: The remedies that were tried, from the smallest change to the largest.
        missing: How many were not tried in time.
    """
    experiment, (training,), (numbers,) = outcome.experiment, outcome.results, summary.variants
    result = Line(result_line(experiment, numbers), "answer")
    later = {} if numbers.failure else solved_later(numbers, training, trials)
    story = () if numbers.failure else told(summary, numbers, training)
    said_later = told_later(numbers, later)
    conclusion = _conclusion(experiment, numbers, trials, missing)
    remedies = [_remedies(numbers, trials)] if trials else []
    head: list[Block] = [lines(heading(experiment, numbers.label)), (result,)]
    answer: list[Block] = [(Line(conclusion[0], "title"),)] if conclusion else []
    more = "--full tells what was seen on the way, where the seeds ended, and when a remedy works"
    short = [*head, *(lines([paragraph]) for paragraph in (*story[:2], *said_later))]
    short += [*remedies, lines([more]), *answer]
    blocks = [*head, *(lines([paragraph]) for paragraph in (*story, *said_later))]
    ended = end_points_of(experiment, training)
    blocks += told_end_points(training, ended)
    if numbers.timeline is not None:
        blocks.append(_timeline(experiment, numbers, numbers.timeline))
    blocks += [*remedies, *([lines(conclusion[1:])] if conclusion[1:] else []), *answer]
    return Page(
        blocks=tuple(blocks),
        short=tuple(short),
        document=lambda every_seed: {
            **document(outcome, summary, every_seed=every_seed),
            "complete": outcome.complete and not missing,
            "story": [*story, *said_later],
            "solved_later": {
                word: {"solved": solved, "of": of} for word, (solved, of) in later.items()
            },
            "conclusion": list(conclusion),
            "end_points": document_of_end_points(training, ended, every_seed=every_seed),
            **_document_of_remedies(trials, missing),
        },
        rows=lambda: (_TRIAL_COLUMNS, [_trial_row(trial) for trial in trials]),
        brief=(Line(result.text), *lines([*story[1:2], *conclusion[:1]])),
    )


# --- tables -----------------------------------------------------------------------------------


def _timeline(experiment: Experiment, numbers: VariantSummary, line: Timeline) -> Table:
    names = [piece_name(piece) for piece in line.pieces]
    if names and line.on_piece[-1].any():
        names.append("no line")
    step = max(1, -(-(len(numbers.epochs) - 1) // (_TIMELINE_MOST - 1)))
    shown = [*range(0, len(numbers.epochs) - 1, step), len(numbers.epochs) - 1]
    rows = []
    for index in shown:
        shares = [percent(float(share)) for share in line.on_piece[: len(names), index]]
        rows.append(
            (
                str(numbers.epochs[index]),
                brief(numbers.cost[1, index]),
                _state_bar(numbers, line, index),
                *(str(states[index]) for states in line.states.values()),
                *shares,
                percent(float(line.alive[index])),
                *(f"{size:.2g}" for size in line.gradient[:, index]),
            )
        )
    going_on = f"{GLYPHS[SLOW]} none of these"
    bars = f"{legend(line.states)}, {going_on}, at least one mark each"
    over = f"over {len(experiment.seeds)} seeds" if len(experiment.seeds) > 1 else "of the seed"
    return Table(
        f"on the way, {over}: median cost; how many are {bars}; where the hidden units are; how "
        "many of them have a slope; size of the gradient in both layers",
        (
            "epoch",
            "cost",
            "seeds",
            *line.states,
            *names,
            "alive",
            "hidden",
            "output",
        ),
        tuple(rows),
        prose=("seeds",),
        splits=True,
    )


def _state_bar(numbers: VariantSummary, line: Timeline, index: int) -> str:
    """The seeds at one checkpoint as a bar; those in none of the states go on."""
    counts = {word: int(count[index]) for word, count in line.states.items()}
    counts[SLOW] = numbers.solved.n - sum(counts.values())
    return verdict_bar(counts, _BAR)


def _remedies(numbers: VariantSummary, trials: Sequence[Trial]) -> Table:
    rows = [("as it was", "", *_became(numbers, works=""))]
    rows += [
        (
            trial.remedy.name,
            trial.remedy.layers,
            *_became(trial.numbers, works="yes" if trial.works else "no"),
        )
        for trial in trials
    ]
    return Table(
        "remedies tried, from the same seeds, each alone",
        ("remedy", "layers", "solved", "95 % interval", "works", "verdicts"),
        tuple(rows),
        prose=("remedy", "layers", "verdicts"),
        firm=("solved", "95 % interval"),
    )


def _became(numbers: VariantSummary, works: str) -> tuple[str, str, str, str]:
    """The cells behind the name of a remedy."""
    if numbers.failure:
        return ("not trained", "", works, "")
    return (rate_of(numbers.solved), interval(numbers.solved), works, verdict_counts(numbers))


_TRIAL_COLUMNS = ("remedy", "layers", "works", *SOLVED_COLUMNS, *FAILED_VERDICTS)


def _trial_row(trial: Trial) -> dict[str, object]:
    row: dict[str, object] = {
        "remedy": trial.remedy.name,
        "layers": trial.remedy.layers,
        "works": "yes" if trial.works else "no",
    }
    if not trial.numbers.failure:
        row |= solved_columns(trial.numbers.solved) | counts(trial.numbers.verdicts)
    return row


def _conclusion(
    experiment: Experiment,
    numbers: VariantSummary,
    trials: Sequence[Trial],
    missing: int,
) -> tuple[str, ...]:
    if missing:
        tried = f"{len(trials)} of {len(trials) + missing} remedies were tried"
        return (f"Interrupted: {tried}, so nothing is concluded.",)
    if not trials:
        return ()
    rule = (
        "A remedy works when more than half of the seeds are solved and its interval lies wholly "
        f"above the one as it was, on at least {CLAIM_SEEDS} seeds: a rule on intervals and no "
        f"test, not corrected for the number of remedies, {len(trials)}. They stand in order, from "
        "the smallest change to the largest."
    )
    seeds = max(trial.numbers.solved.n for trial in trials)
    if seeds < CLAIM_SEEDS:
        given = "--initial-weights '' " if experiment.initial_weights is not None else ""
        few = f"{count(seeds, 'seed')} {'supports' if seeds == 1 else 'support'} no claim"
        return (f"{few}: use {given}--seeds {CLAIM_SEEDS}.", rule)
    if not numbers.failure and numbers.solved.low > _WELL:
        return (f"Nothing needs mending: {_counted(numbers)} are solved as it is.", rule)
    first, most = smallest(trials), best(trials)
    if first is None or most is None:
        return (f"None of the {len(trials)} remedies works here.", rule)
    was = f", where it was {numbers.solved.k}"
    if first is most:
        return (f"What works: {_named(first)}, solves {_counted(first.numbers)}{was}.", rule)
    return (
        f"The smallest change that works: {_named(first)}, solves {_counted(first.numbers)}{was}. "
        f"The best: {_named(most)}, solves {_counted(most.numbers)}.",
        rule,
    )


def _counted(numbers: VariantSummary) -> str:
    return f"{rate_of(numbers.solved)} seeds ({interval(numbers.solved)})"


def _named(trial: Trial) -> str:
    """A remedy, and where it is applied."""
    layers = trial.remedy.layers
    where = f" in {'both layers' if layers == 'both' else f'the {layers} layer'}" if layers else ""
    return f"{trial.remedy.name}{where}"


def _document_of_remedies(trials: Sequence[Trial], missing: int) -> dict[str, Json]:
    """What an explanation has beside the outcome: what became of the remedies."""
    return {
        "remedies_missing": missing,
        "remedies": [_trial(trial) for trial in trials],
        "cheapest": _label(smallest(trials)),  # as it was called before there was a best
        "smallest": _label(smallest(trials)),
        "best": _label(best(trials)),
    }


def _label(trial: Trial | None) -> Json:
    return None if trial is None else trial.remedy.experiment.variants[0].label


def _trial(trial: Trial) -> dict[str, Json]:
    return {
        "name": trial.remedy.name,
        "layers": trial.remedy.layers or None,
        "experiment": resolved_keys(trial.remedy.experiment),
        "solved": solved_or_null(trial.numbers.solved),
        "verdicts": dict(trial.numbers.verdicts),
        "works": trial.works,
    }
