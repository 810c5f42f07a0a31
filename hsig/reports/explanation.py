"""The page that says why a variant failed: from its numbers and the remedies that were tried."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from hsig.analysis.end_points import find_end_points
from hsig.analysis.pairing import Paired
from hsig.analysis.parts import Part
from hsig.analysis.remedies import LONGER, Remedy
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Summary, Timeline, VariantSummary
from hsig.analysis.trials import (
    LONG,
    MAX_TIMES,
    MAX_WORK,
    Trial,
    best_remedy,
    has_room,
    seeds_with_room,
    smallest_remedy,
)
from hsig.config.loading import resolved_keys
from hsig.experiments.experiment import Experiment, Outcome, Training
from hsig.experiments.measures import RIGHT, SOLVED
from hsig.experiments.verdicts import REACHED, SLOW, VERDICTS
from hsig.reports.columns import measure_columns, median_over, result_columns, which_cost
from hsig.reports.documents import document
from hsig.reports.end_points import describe_end_points, end_points_document
from hsig.reports.page import (
    Column,
    Line,
    Page,
    Rows,
    Table,
    Text,
    brief,
    count,
    for_json,
    interval,
    lines,
    listed,
    measure_text,
    measure_words,
    p_value,
    percent,
    plain_text,
    rate_of,
)
from hsig.reports.phrases import (
    FAILED_VERDICTS,
    GLYPHS,
    every_layer,
    heading,
    legend,
    name_rows,
    result_line,
    verdict_bar,
    verdict_counts,
)
from hsig.reports.story import describe_failure, layer_names, piece_name

# --- later ----------------------------------------------------------------------------------------


def count_solved_later(training: Training, trials: Sequence[Trial]) -> dict[str, dict[str, int]]:
    """What a longer training makes of the failed seeds of each verdict; empty if none was tried.

    Returns:
        By verdict how many are `solved` at its end, or for the first time on the way there but not
        at its end (`between`), `of` how many.
    """
    longer = next((t.part.outcome.results[0] for t in trials if t.part.name == LONGER), None)
    if longer is None or longer.seeds != training.seeds:
        return {}
    between = ~longer.solved & (longer.solved_at > training.epochs[-1])
    failed = (word for word in FAILED_VERDICTS if word != REACHED)
    masks = {word: training.verdict == VERDICTS.index(word) for word in failed}
    counted = {
        word: {"solved": longer.solved & mask, "between": between & mask, "of": mask}
        for word, mask in masks.items()
        if mask.any()
    }
    return {word: {k: int(v.sum()) for k, v in masks.items()} for word, masks in counted.items()}


def _describe_later(later: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    if not later:
        return ()
    parts = ", ".join(f"{seeds['solved']} of {seeds['of']} {word}" for word, seeds in later.items())
    between = sum(seeds["between"] for seeds in later.values())
    lost = f"; {between} more were solved on the way there, and lost it" if between else ""
    return (f"{LONGER} solve {parts} seeds{lost}.",)


# --- tables --------------------------------------------------------------------------------------

_MAX_CHECKPOINTS = 10  # rows of the timeline
_BAR = 10  # characters


def _timeline(experiment: Experiment, numbers: VariantSummary, line: Timeline) -> Table:
    """What was observed at some checkpoints."""
    last = len(numbers.epochs) - 1
    step = max(1, -(-last // (_MAX_CHECKPOINTS - 1)))

    def bar(place: int) -> str:
        counts = {word: int(states[place]) for word, states in line.states.items()}
        counts[SLOW] = numbers.solved.n - sum(counts.values())  # those in none of the states
        return verdict_bar(counts, _BAR)

    def column(name: str, values: Any, text: Text) -> Column[int]:
        return Column(name, name, lambda place: values[place].item(), text)

    names = [piece_name(piece) for piece in line.pieces]
    shares = [*line.on_piece[: len(names)]]
    if names and line.on_piece[-1].any():
        names, shares = [*names, "no line"], [*shares, line.on_piece[-1]]
    layers = layer_names(len(line.gradient) - 1)
    columns: list[Column[int]] = [
        Column("epoch", "epoch", lambda place: numbers.epochs[place]),
        Column("cost", "cost", lambda place: float(numbers.cost[1, place]), brief),
        Column("seeds", "seeds", bar, prose=True),
        *(column(word, states, plain_text) for word, states in line.states.items()),
        *(column(name, each, percent) for name, each in zip(names, shares, strict=True)),
        *(
            column(layer.replace("hidden", "alive"), share, percent)
            for layer, share in zip(layers, line.alive, strict=False)  # of no output
        ),
        *(
            column(*of_layer, "{:.2g}".format)
            for of_layer in zip(layers, line.gradient, strict=True)
        ),
    ]
    bars = f"{legend(line.states)}, {GLYPHS[SLOW]} none of these, at least one mark each"
    first = "the hidden units" if len(layers) == 2 else "the units of the first hidden layer"
    units = f"where {first} are; how many of them have a slope; " if len(layers) > 1 else ""
    over = f"over {len(experiment.seeds)} seeds" if len(experiment.seeds) > 1 else "of the seed"
    return Rows(columns, [*range(0, last, step), last]).table(
        f"on the way, {over}: median {which_cost(experiment)}; how many are {bars}; {units}size of "
        "the gradient in each layer",
        splits=True,
    )


_AS_IT_WAS = "as it was"


def _remedy_rows(
    experiment: Experiment, constants: Mapping[str, float], trials: Sequence[Trial]
) -> Rows[Trial]:
    """A row for each remedy that was tried."""
    results = result_columns(FAILED_VERDICTS, verdict_counts)
    measures = measure_columns(
        experiment, [trial.numbers for trial in trials], median_over(experiment), constants
    )

    def of_pairs(value: Callable[[Paired], Any]) -> Callable[[Trial], Any]:
        return lambda trial: None if trial.paired is None else value(trial.paired)

    columns: list[Column[Trial]] = [
        Column("remedy", "remedy", lambda trial: trial.part.name, prose=True),
        Column("layers", "layers", lambda trial: trial.part.layers or None, prose=True),
        Column("time", "time", lambda trial: trial.time, "{:.3g}".format),
        Column("works", "works", attrgetter("works")),
        Column("in_libraries", "in libraries", attrgetter("in_libraries")),
        *(column.on(attrgetter("numbers")) for column in (*results, *measures)),
        Column("better", "better", of_pairs(attrgetter("better"))),
        Column("worse", "worse", of_pairs(attrgetter("worse"))),
        Column("p", "p", of_pairs(attrgetter("p")), p_value),
    ]
    return Rows(columns, trials)


def _remedy_table(outcome: Outcome, numbers: VariantSummary, trials: Sequence[Trial]) -> Table:
    experiment, measure = outcome.experiment, outcome.experiment.chosen_measure
    before = Trial(Part(_AS_IT_WAS, experiment, outcome), numbers)
    names: tuple[str, ...] = ("solved", "interval", "works")
    if measure.name != SOLVED:
        names = (measure.field, "better", "worse", "p", "works")
    return _remedy_rows(experiment, numbers.constants, [before, *trials]).table(
        "remedies tried, from the same seeds; time: how many times as long",
        ("remedy", "layers", "time", *names, "verdicts"),
        firm=("solved", "95 % interval"),
    )


# --- page ----------------------------------------------------------------------------------------

_WELL_SOLVED = 0.9  # the rate from which on, by its whole interval, nothing needs mending


def explanation_page(
    outcome: Outcome,
    summary: Summary,
    trials: Sequence[Trial],
    *,
    missing: Sequence[Remedy] = (),
    cut: Sequence[Remedy] = (),
) -> Page:
    """The page that says why the one variant of an experiment failed.

    Args:
        outcome: What became of it.
        summary: Its numbers.
        trials: The remedies that were tried, from the smallest change to the largest.
        missing: Those that were not tried in time.
        cut: Those that were not tried because they take too much work.
    """
    experiment, (training,), (numbers,) = outcome.experiment, outcome.results, summary.variants
    result = Line(result_line(experiment, numbers), "answer")
    is_solved = experiment.chosen_measure.name == SOLVED
    later = count_solved_later(training, trials) if is_solved else {}
    story = () if numbers.failure else describe_failure(summary, numbers, training)
    said_later = _describe_later(later)
    conclusion = _conclude(experiment, numbers, trials, len(missing))
    ended, line = find_end_points(experiment, training), numbers.timeline
    head = (lines(heading(experiment, numbers.label)), (result,))
    rows = _remedy_rows(experiment, numbers.constants, trials)
    names = [remedy.label for remedy in cut]
    remedies = (_remedy_table(outcome, numbers, trials), _describe_cut(names)) if trials else ()
    more = "--full shows the way there, where the seeds ended, and when a remedy counts as working"
    return Page(
        blocks=(
            *head,
            *(lines([paragraph]) for paragraph in (*story, *said_later)),
            *describe_end_points(training, ended),
            *([_timeline(experiment, numbers, line)] if line is not None else []),
            *remedies,
            lines([_rule(trials)] if trials else []),
        ),
        short=(
            *head,
            *(lines([paragraph]) for paragraph in (*story[:2], *said_later)),
            *remedies,
            lines([more]),
        ),
        answer=(Line(conclusion, "title"),) if conclusion else (),
        document=lambda every_seed: {
            **document(outcome, summary, every_seed=every_seed),
            "complete": outcome.complete and not missing,
            "story": [*story, *said_later],
            "solved_later": for_json(later),
            "conclusion": [conclusion, _rule(trials)] if trials else [],
            "end_points": end_points_document(training, ended, every_seed=every_seed),
            "remedies_missing": len(missing),
            "remedies_cut": for_json(names),
            "remedies": [
                {"name": trial.part.name, **row, "experiment": resolved_keys(trial.experiment)}
                for trial, row in zip(trials, rows.records(), strict=True)
            ],
            "cheapest": _label(smallest_remedy(trials)),  # as it was called before there was a best
            "smallest": _label(smallest_remedy(trials)),
            "best": _label(best_remedy(trials)),
        },
        rows=rows.csv,
        brief=(Line(result.text), *lines([*story[1:2], *([conclusion] if conclusion else [])])),
    )


def _describe_cut(names: Sequence[str]) -> tuple[Line, ...]:
    """What was not tried because it takes too much work."""
    most = f"{MAX_WORK:g} weight updates, or {MAX_TIMES:g} times as many as without one"
    sentence = f"not tried, as all remedies together may take {most}: {listed(names)}"
    return lines([sentence] if names else [])


def _conclude(
    experiment: Experiment, numbers: VariantSummary, trials: Sequence[Trial], missing: int
) -> str:
    """What solves more seeds, in a sentence or two; nothing if no remedy was tried."""
    if missing:
        tried = f"{len(trials)} of {len(trials) + missing} remedies were tried"
        return f"Interrupted: {tried}, so nothing is concluded."
    if not trials:
        return ""
    seeds = max(trial.numbers.solved.n for trial in trials)
    is_solved = experiment.chosen_measure.name == SOLVED
    if seeds < CLAIM_SEEDS and is_solved:
        given = "--initial-weights '' " if experiment.initial_weights is not None else ""
        few = f"{count(seeds, 'seed')} {'supports' if seeds == 1 else 'support'} no claim"
        return f"{few}: use {given}--seeds {CLAIM_SEEDS}."
    first, most = smallest_remedy(trials), best_remedy(trials)
    if first is None or most is None:
        return _conclude_none(experiment, numbers, trials)
    in_libraries = best_remedy(trial for trial in trials if trial.in_libraries)
    roles = {"the smallest change that works": first, "the best": most}
    if in_libraries is not None:  # if the best is none of them
        roles |= {} if most.in_libraries else {"the best that libraries have": in_libraries}
    named: dict[str, list[str]] = {}
    for role, trial in roles.items():
        named.setdefault(_describe_success(trial), []).append(role)
    heads = [" and ".join(roles) for roles in named.values()] if len(named) > 1 else ["what works"]
    parts = [f"{head}: {success}" for head, success in zip(heads, named, strict=True)]
    field = experiment.chosen_measure.field
    before = str(numbers.solved.k) if is_solved else measure_text(field, numbers.median(field))
    parts[0] += f", where it was {before}"
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts)


def _conclude_none(experiment: Experiment, numbers: VariantSummary, trials: Sequence[Trial]) -> str:
    """Say that no remedy works, or why none could be seen to."""
    solved, judged = numbers.solved, sum(trial.works is not None for trial in trials)
    if experiment.chosen_measure.name != SOLVED:
        few = f"{count(solved.n, 'seed')} cannot show that one of so many works: use more --seeds."
        return f"None of the {judged} remedies works here." if judged else few
    if not numbers.failure and solved.low > _WELL_SOLVED:
        return f"Nothing needs mending: {_count_solved(numbers)} are solved as it is."
    if judged or has_room(solved):
        return f"None of the {judged} remedies works here."
    return (
        f"{rate_of(solved)} seeds are solved already, too many for {solved.n} seeds to show that "
        f"anything is better: use --seeds {seeds_with_room(solved)}."
    )


def _describe_success(trial: Trial) -> str:
    layers = trial.part.layers
    every = every_layer(len(trial.part.experiment.hidden))
    where = f" in {every if layers == 'both' else f'the {layers} layer'}" if layers else ""
    rare = "" if trial.in_libraries else " (in no library)"
    time = f", in {trial.time:.3g} times the time" if trial.time > 1.05 else ""
    name = f"{trial.part.name}{where}{rare}"
    if trial.paired is None:
        return f"{name}, solves {_count_solved(trial.numbers)}{time}"
    pair, value = trial.paired, _describe_value(trial.experiment, trial.numbers)
    differ = pair.better + pair.worse
    return f"{name}, {value}, better in {pair.better} of the {differ} seeds that differ{time}"


def _describe_value(experiment: Experiment, numbers: VariantSummary) -> str:
    """The median of what claims are made of."""
    measure = experiment.chosen_measure
    value = measure_text(measure.field, numbers.median(measure.field))
    rows = name_rows(experiment, held_out=measure.held_out)
    return f"right on {value} of {rows}" if measure.name == RIGHT else f"loss {value} on {rows}"


def _rule(trials: Sequence[Trial]) -> str:
    measure = trials[0].experiment.chosen_measure
    works = (
        "A remedy works when more than half of the seeds are solved and its interval lies wholly "
        f"above the one as it was, on at least {CLAIM_SEEDS} seeds: a rule on intervals and no "
        f"test, not corrected for the number of remedies, {len(trials)}."
    )
    if measure.name != SOLVED:
        works = (
            "A remedy works when the exact sign test over the seeds that differ, by pairs that "
            f"start alike, says that its {measure_words(measure.field)} is better: corrected for "
            f"all remedies tried, {len(trials)}, by Holm."
        )
    return (
        f"{works} They stand in order, from "
        "the smallest change to the largest, and behind them what no library has. A step farther "
        "in the same direction is tried where none before it works, a second change beside those "
        "that got farthest while more could be gained, and what takes more than "
        f"{LONG:g} times the time where nothing else works. Weights that were given have no rate: "
        f"those drawn in their place work when they solve more than half of {CLAIM_SEEDS} seeds."
    )


def _count_solved(numbers: VariantSummary) -> str:
    return f"{rate_of(numbers.solved)} seeds ({interval(numbers.solved)})"


def _label(trial: Trial | None) -> str | None:
    return None if trial is None else trial.numbers.label
