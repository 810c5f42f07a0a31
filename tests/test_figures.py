"""Every kind of picture: that it can be drawn of anything, and shows the numbers it is given."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import product

import numpy as np
import pytest
from matplotlib.figure import Figure

from hsig.analysis.parts import Part
from hsig.analysis.plot_data import (
    MAX_POINTS,
    centre,
    constant_measure,
    count_solved_by_epoch,
    count_states,
    predict_surface,
    shown_measure,
)
from hsig.analysis.summary import MEDIAN, summarise
from hsig.analysis.sweeps import SweepOutcome, pair_sweeps
from hsig.config.loading import load_experiment
from hsig.errors import ConfigError
from hsig.experiments.experiment import Outcome
from hsig.experiments.snapshots import take_snapshots
from hsig.experiments.sweeps import Axis, train_cell
from hsig.experiments.training import gather, run
from hsig.figures.picture import save
from hsig.results.pictures import KINDS, Look, picture
from hsig.results.sweeping import SweepResult
from hsig.results.training import TrainResult

SMALL = {"engine": "reference", "seeds": "5", "epochs": "40", "report_every": "20"}
SEVERAL = {"activations": "sigmoid,hard,relu,ultra_fast", "init": "uniform:-2,2"}
DIVERGED = {
    "activations": "relu,tanh,sigmoid,hard,elu,silu,mish,gelu,softplus,selu,isru",
    "output_activation": "identity",
    "loss": "squared",
    "learning_rate": "1e9",
}
CASES = {
    "one seed and epoch": {"activation": "hard", "seeds": "1", "epochs": "1"},
    "nothing trained": {"activations": "ultra_fast,step"},
    "diverged, and more variants than colours": DIVERGED,
    "layers and outputs": {"activation": "tanh", "hidden": "[4, 3]", "outputs": 2},
}
DEFAULT = Look()
OF_TRAININGS = ("costs", "solved", "verdicts", "compare", "activation", "surface")
# rows that are held out, of two inputs
CLASSES = {"task": "csv:configs/curve.csv", "held_out": "0.25", "activations": "tanh,hard,step"}
CLASSES |= {"update": "batch", "learning_rate": "1"}
NUMBERS = {"task": "csv:configs/people.csv", "target": "weight", "held_out": "0.25"}
NUMBERS |= {"activations": "tanh,relu", "scale": "standard", "update": "batch"}
NAMES = ("_a $x^2$ <b>&amp;\x1b[31m\n漢字\u202e", "W" * 1000)


@cache
def outcome_of(outputs=1, **flags) -> Outcome:
    experiment = load_experiment(flags={**SMALL, **flags})
    task = experiment.task
    targets = np.tile(task.targets, outputs)
    experiment = replace(experiment, task=replace(task, targets=targets))
    return gather(experiment, run(experiment))


def source(outcome: Outcome) -> TrainResult:
    return TrainResult((Part("", outcome.experiment, outcome),))


@cache
def sweep_of(loss="bce", keys=2) -> SweepOutcome:
    """Activations against epochs, one of them without a gradient, and a cell that is missing."""
    axes = (Axis("activation", ("hard", "sigmoid", "ultra_fast", "relu")),)
    axes = (*axes, Axis("epochs", ("1", "20", "40")))[:keys]
    cells = {}
    for name, epochs in product(axes[0].values, axes[1].values if keys > 1 else ["20"]):
        flags = {"activation": name, "epochs": epochs, "loss": loss}
        cells[(name, epochs)[:keys]] = train_cell(load_experiment(flags={**SMALL, **flags}))
    missing = [*cells][-1]
    return SweepOutcome(axes, load_experiment(flags=SMALL), {**cells, missing: None})


def drawn(kind, look=DEFAULT, **flags):
    return picture([source(outcome_of(**flags))], kind, look)


def panels(figure: Figure):
    return [a for a in figure.axes if a.get_visible() and a.get_label() != "<colorbar>"]


def texts(figure: Figure) -> str:
    data = save(figure, "svg")
    return " ".join(ET.fromstring(data).itertext())


CASES |= {"classes": CLASSES, "numbers": NUMBERS}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", OF_TRAININGS)
def test_a_picture_of_anything_is_drawn_without_a_warning(kind, case):
    made = drawn(kind, **CASES[case])
    assert made.caption.title in made.caption.alt
    assert panels(made)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("confusion", "fit")])
def test_names_of_any_kind_and_the_dark_theme_are_drawn(kind):
    if kind == "map":
        made = picture([SweepResult(sweep_of(), "")], None, Look(theme="dark"))
    elif kind == "difference":
        two = [SweepResult(sweep_of(), ""), SweepResult(sweep_of("squared"), "")]
        made = picture(two, None, Look(theme="dark"), NAMES)
    else:
        outcome = outcome_of(activations="tanh,hard")
        renamed = [
            replace(result, variant=replace(result.variant, label=label))
            for result, label in zip(outcome.results, NAMES, strict=True)
        ]
        variants = tuple(result.variant for result in renamed)
        experiment = replace(outcome.experiment, variants=variants)
        made = picture([source(Outcome(experiment, tuple(renamed)))], kind, Look(theme="dark"))
    shown = texts(made)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert made.theme.paper == "#14171b"


# --- the numbers that are drawn ------------------------------------------------------------------


def test_solved_is_the_share_of_the_seeds_by_epoch():
    made = drawn("solved", **SEVERAL)
    curves = [
        count_solved_by_epoch(v) for v in summarise(outcome_of(**SEVERAL)).variants if not v.failure
    ]
    (axes,) = panels(made)
    lines = [(line.get_xdata(), line.get_ydata()) for line in axes.get_lines()]
    for curve in curves:
        assert any(
            np.array_equal(curve.epochs, x) and np.array_equal(curve.share, y) for x, y in lines
        )


def test_verdicts_are_stacked_to_all_seeds():
    made = drawn("verdicts", activation="hard")
    (variant,) = summarise(outcome_of(activation="hard")).variants
    (axes,) = panels(made)
    tops = [line.get_ydata() for line in axes.get_lines()]
    np.testing.assert_allclose(tops[-1], 1.0)
    present = {word: number for word, number in count_states(variant).items() if number.any()}
    assert {area.get_label() for area in axes.collections} == set(present)


@pytest.mark.parametrize(
    "flags", [SEVERAL, SEVERAL | {"epochs": "900", "report_every": "900"}, CLASSES, NUMBERS]
)
def test_a_comparison_shows_its_measure_and_epochs_to_solve_or_differences(flags):
    made, summary = drawn("compare", **flags), summarise(outcome_of(**flags))
    left, right = panels(made)
    measure, pairing = shown_measure(summary), summary.pairing
    trained = [variant for variant in summary.variants if not variant.failure]
    values, beside = (
        {line.get_xdata()[0] for line in axes.get_lines() if len(line.get_xdata()) == 1}
        for axes in (left, right)
    )
    assert values == {v for v, *_ in (centre(v, measure) for v in trained) if np.isfinite(v)}
    if measure.name == "solved":
        expected = {variant.epochs_to_solve[0] for variant in trained}
        assert expected - {np.inf} <= beside
    else:
        sizes = {paired.difference for paired in pairing.against.values()}
        assert beside == {size for size in sizes if np.isfinite(size)}
        constant = constant_measure(summary.experiment, measure)
        assert any(set(line.get_xdata()) == {constant} for line in left.get_lines())
    assert all(variant.label in made.caption.alt for variant in trained)


def test_costs_are_of_both_rows_and_the_lowest_is_marked():
    made, summary = drawn("costs", **CLASSES), summarise(outcome_of(**CLASSES))
    (axes,) = panels(made)
    shown = [line.get_ydata() for line in axes.get_lines()]
    for variant in summary.variants:
        if not variant.failure:
            for name in ("loss", "held_out_loss"):
                median = variant.measures[name][MEDIAN]
                median = np.where(np.isfinite(median), median, np.nan)
                assert any(np.array_equal(median, y, equal_nan=True) for y in shown)


def test_a_confusion_is_of_the_rows_of_each_class():
    made, outcome = drawn("confusion", **CLASSES), outcome_of(**CLASSES)
    held_out = outcome.experiment.task.held_out.targets[:, 0]
    tanh = next(result for result in outcome.results if result.variant.label == "tanh")
    said = tanh.held_out_predictions[:, :, 0] > 0.5
    expected = [[np.mean(said[:, held_out == c] == p) for p in (0, 1)] for c in (0, 1)]
    shown = {
        axes.get_title("left").split(":")[0]: axes.images[0].get_array() for axes in panels(made)
    }
    np.testing.assert_allclose(shown["tanh"][:, :2], expected)
    with pytest.raises(ConfigError, match="expected a target that is a number"):
        drawn("fit", **CLASSES)


def test_a_fit_has_predictions_in_the_unit_of_the_targets():
    made, outcome = drawn("fit", **NUMBERS), outcome_of(**NUMBERS)
    for axes in panels(made):
        label = axes.get_title("left")
        result = next(r for r in outcome.results if r.variant.label == label)
        _, training, held_out = (line.get_xydata() for line in axes.get_lines())
        rows = np.repeat(outcome.experiment.task.held_out.targets, len(result.seeds), axis=1).T
        pairs = np.stack([rows, result.held_out_predictions[:, :, 0]], axis=-1).reshape(-1, 2)
        assert {*map(tuple, held_out)} <= {*map(tuple, pairs)}
        assert 0 < len(training) <= MAX_POINTS
    with pytest.raises(ConfigError, match="expected a task whose target is a named class"):
        drawn("confusion", **NUMBERS)


@pytest.mark.parametrize("hidden", ["3", "[4, 3]"])
def test_histograms_hold_the_pre_activations_of_all_hidden_units(hidden):
    look = Look(at=(0, 40))
    made = drawn("activation", look, activation="tanh", hidden=hidden)
    _, *rows = panels(made)
    experiment = load_experiment(flags={**SMALL, "activation": "tanh", "hidden": hidden})
    snapshots = take_snapshots(experiment, experiment.variants[0], (0, 40))
    for axes, snapshot in zip(rows, snapshots, strict=True):
        heights, edges, _ = axes.patches[-1].get_data()
        values = np.concatenate([layer.ravel() for layer in snapshot.pre_activations])
        inside = np.mean((values >= edges[0]) & (values <= edges[-1]))
        assert np.sum(heights * np.diff(edges)) == pytest.approx(inside)
        assert f"epoch {snapshot.epoch}: " in made.caption.alt


def test_a_surface_is_what_the_network_predicts():
    made = drawn("surface", Look(at=(40,), seed=2), activation="relu")
    experiment = load_experiment(flags={**SMALL, "activation": "relu"})
    (snapshot,) = take_snapshots(experiment, experiment.variants[0], (40,))
    weights = tuple(layer[2:3] for layer in snapshot.weights)
    expected = predict_surface(experiment, experiment.variants[0], weights)
    (axes,) = panels(made)
    np.testing.assert_array_equal(axes.images[0].get_array(), expected.values)
    right = np.abs(snapshot.predictions[2] - experiment.task.targets) < 0.5
    assert f"seed 2 is right on {right.sum()} of 4 samples" in made.caption.alt


@pytest.mark.parametrize("keys", [1, 2])
def test_a_map_shows_the_share_of_the_seeds_of_each_cell(keys):
    outcome = sweep_of(keys=keys)
    made = picture([SweepResult(outcome, "")], None, Look())
    rates = {
        values: cell.solved.rate
        for values, cell in outcome.summaries.items()
        if cell is not None and not cell.failure
    }
    (axes,) = panels(made)
    assert save(made, "png")
    assert axes.get_window_extent().height > 0.3 * made.bbox.height  # it has room
    if keys == 2:
        shown = np.ma.filled(axes.images[0].get_array(), np.nan)
        for (row, column), rate in rates.items():
            y, x = outcome.axes[0].values.index(row), outcome.axes[1].values.index(column)
            assert shown[y, x] == rate
        assert np.isfinite(shown).sum() == len(rates)
    else:
        line = next(line for line in axes.get_lines() if line.get_marker() == "o")
        shown = dict(zip(outcome.axes[0].values, line.get_ydata(), strict=True))
        assert {(value,): rate for value, rate in shown.items() if np.isfinite(rate)} == rates
    assert f"{len(outcome.summaries)} cells" in made.caption.alt


@pytest.mark.parametrize("keys", [1, 2])
def test_a_difference_is_the_second_sweep_minus_the_first(keys):
    first, second = sweep_of(keys=keys), sweep_of("squared", keys=keys)
    made = picture([SweepResult(first, ""), SweepResult(second, "")], None, Look(), ("a", "b"))
    pairs = pair_sweeps(first, second).cells
    expected = [p.difference for p in pairs.values() if p and p.difference is not None]
    (axes,) = panels(made)
    if keys == 2:
        shown = axes.images[0].get_array().compressed()
    else:
        line = next(line for line in axes.get_lines() if line.get_marker() == "o")
        shown = line.get_ydata()[np.isfinite(line.get_ydata())]
    assert sorted(shown) == sorted(expected)


# --- files and complaints ------------------------------------------------------------------------


def test_files_say_what_they_show():
    made = drawn("costs", activation="hard")
    root = ET.fromstring(save(made, "svg"))
    assert root.find("{http://www.w3.org/2000/svg}title").text == made.caption.title
    from PIL import Image

    with Image.open(BytesIO(save(made, "png"))) as image:
        assert image.text["Description"] == made.caption.alt
    pdf = save(made, "pdf")
    assert pdf.startswith(b"%PDF")
    assert save(made, "pdf") == pdf


@pytest.mark.parametrize(
    ("kind", "look", "complaint"),
    [
        ("nonsense", Look(), "kind: there is no picture 'nonsense'"),
        ("map", Look(), "kind: there is no picture 'map'"),
        ("costs", Look(seed=1), "seed: is for activation and surface, not for costs"),
        ("surface", Look(seed=99), "seed: expected one of those that were trained"),
        ("surface", Look(at=(41,)), "at: expected epochs from 0 to 40, got 41"),
        ("surface", Look(variant="tahn"), "variant: there is none called 'tahn'"),
        ("costs", Look(theme="sepia"), "expected a theme"),
    ],
)
def test_complaints_say_what_would_be_right(kind, look, complaint):
    with pytest.raises(ConfigError, match=complaint):
        drawn(kind, look, activation="tanh")


def test_a_task_with_other_than_two_inputs_has_no_surface():
    with pytest.raises(ConfigError, match="surface: expected a task with two inputs"):
        drawn("surface", activation="tanh", task="parity3")
