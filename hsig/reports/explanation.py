"""The page that says why a variant failed: from its numbers and the remedies that were tried."""

from collections.abc import Sequence

from hsig.analysis.end_points import end_points_of
from hsig.analysis.remedies import Trial, cheapest
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Summary, Timeline, VariantSummary
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.verdicts import SLOW
from hsig.reports.documents import (
    FAILED_VERDICTS,
    SOLVED_COLUMNS,
    counts,
    document,
    document_of_remedies,
    solved_columns,
)
from hsig.reports.end_points import document_of_end_points, told_end_points
from hsig.reports.numbers import brief, count, percent
from hsig.reports.page import Block, Line, Page, Table, lines
from hsig.reports.story import piece_name, solved_later, told, told_later
from hsig.reports.words import (
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
    story = (*story, *told_later(numbers, later))
    conclusion = _conclusion(experiment, numbers, trials, missing)
    blocks: list[Block] = [lines(heading(experiment, numbers.label)), (result,)]
    blocks += [lines([paragraph]) for paragraph in story]
    ended = end_points_of(experiment, training)
    blocks += told_end_points(training, ended)
    if numbers.timeline is not None:
        blocks.append(_timeline(experiment, numbers, numbers.timeline))
    if trials:
        blocks.append(_remedies(numbers, trials))
    if conclusion:
        blocks.append((Line(conclusion[0], "title"), *lines(conclusion[1:])))
    return Page(
        blocks=tuple(blocks),
        document=lambda every_seed: {
            **document(outcome, summary, every_seed=every_seed),
            "complete": outcome.complete and not missing,
            "story": list(story),
            "solved_later": {
                word: {"solved": solved, "of": of} for word, (solved, of) in later.items()
            },
            "conclusion": list(conclusion),
            "end_points": document_of_end_points(training, ended, every_seed=every_seed),
            **document_of_remedies(trials, missing),
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
    bars = legend(line.states)
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
        f"test, not corrected for the number of remedies, {len(trials)}."
    )
    seeds = max(trial.numbers.solved.n for trial in trials)
    if seeds < CLAIM_SEEDS:
        given = "--initial-weights '' " if experiment.initial_weights is not None else ""
        few = f"{count(seeds, 'seed')} {'supports' if seeds == 1 else 'support'} no claim"
        return (f"{few}: use {given}--seeds {CLAIM_SEEDS}.", rule)
    best = cheapest(trials)
    if best is None:
        return (f"None of the {len(trials)} remedies works here.", rule)
    layers = best.remedy.layers
    where = f" in {'both layers' if layers == 'both' else f'the {layers} layer'}" if layers else ""
    return (
        f"The cheapest that works here: {best.remedy.name}{where}, {rate_of(best.numbers.solved)} "
        f"seeds solved, where it was {numbers.solved.k}.",
        rule,
    )
