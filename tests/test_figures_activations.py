from itertools import pairwise

import numpy as np
import pytest
from drawings import drawn, legend, lines, panels, same, words
from matplotlib.patches import StepPatch

from hsig import figures
from hsig.activations import ACTIVATIONS
from hsig.activations.in_python import in_python
from hsig.config.loading import load_activation, load_experiment
from hsig.experiments.snapshots import Snapshot, take_snapshots
from hsig.figures.picture import THEMES
from hsig.networks.network import Weights
from hsig.reports.captions import activation_caption

VALUE, SLOPE = THEMES["light"].lines[:2]


def picture_of(activation, seen=(), theme="light"):
    caption = activation_caption(activation, seen)
    return drawn(figures.activation(activation, seen, caption=caption, theme=theme))


def moment(pre_activations, epoch=0):
    """One of a seed for each row, of one sample."""
    seen = np.array(pre_activations, dtype=float)[:, None, :]
    nothing = np.zeros((len(seen), 1))
    weights = Weights(np.zeros((len(seen), 3, seen.shape[2])), np.zeros((len(seen), 4, 1)))
    return Snapshot(epoch, weights, seen, nothing, nothing)


def trained(at, **flags):
    experiment = load_experiment(flags={"engine": "reference", **flags})
    return take_snapshots(experiment, experiment.variants[0], at)


def curve_of(figure, colour):
    axes = panels(figure)[0]
    (line,) = [line for line in lines(axes, colour=colour) if len(line.get_xdata()) > 100]
    return np.array(line.get_xdata()), np.array(line.get_ydata())


def bars_of(axes):
    """The heights and edges of a histogram."""
    (patch,) = [patch for patch in axes.patches if isinstance(patch, StepPatch)]
    return patch.get_data()[:2]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_curves_are_the_value_and_the_slope_of_every_activation(name):
    activation = ACTIVATIONS[name]
    figure = picture_of(activation)
    breaks = {found.x: found for found in activation.function.breaks}
    x, y = curve_of(figure, VALUE)
    gaps = np.array([at in breaks and bool(breaks[at].jump) for at in x])
    same(y, np.where(gaps, np.nan, activation.value(x)))
    x, slope = curve_of(figure, SLOPE)
    expected = activation.derivative(x)
    if activation.backward is not None:
        expected = activation.training_slope(x, activation.value(x))
    same(slope, np.where(np.isin(x, [*breaks]), np.nan, expected))
    low, high = panels(figure)[0].get_xlim()
    assert all(low < at < high for at in breaks)


@pytest.mark.parametrize(
    ("text", "slope", "at"),
    [
        # by hand: 0.25 is the logistic sigmoid's slope at 0, and 0.2 is hard's
        ("hard:backward=logistic", 0.25, 0.0),
        ("sigmoid:backward=straight_through", 0.25, 3.0),
        ("hard:backward=straight_through", 0.2, 3.0),
        ("hard", 0.0, 3.0),
    ],
)
def test_the_slope_is_the_one_that_training_uses(text, slope, at):
    figure = picture_of(load_activation(text))
    x, seen = curve_of(figure, SLOPE)
    assert seen[np.argmin(np.abs(x - at))] == pytest.approx(slope, abs=1e-4)
    assert ("slope that it trains with" in " ".join(legend(figure))) == ("backward" in text)


def test_an_activation_without_a_gradient_is_drawn_and_its_legend_says_so():
    figure = picture_of(ACTIVATIONS["ultra_fast"])
    assert len(panels(figure)) == 1
    assert "slope (none is trained with)" in legend(figure)


def test_kinks_have_a_dot_and_jumps_two():
    def dots(name):
        axes = panels(picture_of(load_activation(name)))[0]
        return [
            tuple(zip(*line.get_data(), strict=True))
            for line in lines(axes)
            if line.get_marker() == "o"
        ]

    assert dots("hard") == [((-2.5, 0.0),), ((2.5, 1.0),)]
    ((below, above),) = dots("step")
    same([below, above], [(0.0, 0.0), (0.0, 1.0)])
    assert dots("tanh") == []


def test_linear_pieces_are_shaded_and_named_by_their_slope():
    axes = panels(picture_of(ACTIVATIONS["hard"]))[0]
    names = {text.get_text(): text.get_position()[0] for text in axes.texts}
    assert list(names) == ["slope 0", "slope 0.2"]  # the outer ones have the same
    assert names["slope 0.2"] == 0.0
    shades = [patch.get_extents().width for patch in axes.patches]
    assert len(shades) == 3
    colours = [patch.get_facecolor() for patch in axes.patches]
    assert colours[0] == colours[2] != colours[1]
    axes = panels(picture_of(ACTIVATIONS["sigmoid"]))[0]
    assert (axes.texts[:], axes.patches[:]) == ([], [])


def test_histograms_count_what_the_hidden_units_are_given():
    seen = trained((0, 20, 60), activation="hard", seeds="8", epochs="60", init="uniform:-3,3")
    figure = picture_of(ACTIVATIONS["hard"], seen)
    _, *rows = panels(figure)
    assert len(rows) == 3
    for axes, one in zip(rows, seen, strict=True):
        heights, edges = bars_of(axes)
        counts = heights * np.diff(edges) * one.pre_activations.size
        values = one.pre_activations.ravel()
        by_hand = [sum(low <= value < high for value in values) for low, high in pairwise(edges)]
        by_hand[-1] += sum(values == edges[-1])
        same(counts, by_hand)
        assert axes.get_ylim()[1] >= heights.max()


@pytest.mark.parametrize("name", ["hard", "relu", "fann_stepwise", "hard_shrink"])
def test_no_bar_reaches_over_a_kink(name):
    seen = [moment(np.linspace(-7, 9, 60).reshape(20, 3))]
    activation = ACTIVATIONS[name]
    _, edges = bars_of(panels(picture_of(activation, seen))[1])
    assert {found.x for found in activation.function.breaks} <= set(edges)
    assert (np.diff(edges) > 0.0).all()


def test_of_hard_on_xor_every_pre_activation_of_seed_0_is_seen_on_the_middle_piece():
    seen = trained((0, 400, 4000), activation="hard", seeds="1")
    figure = picture_of(ACTIVATIONS["hard"], seen)
    _, *rows = panels(figure)
    for axes, epoch in zip(rows, (0, 400, 4000), strict=True):
        heights, edges = bars_of(axes)
        with_bars = [
            (low, high) for h, low, high in zip(heights, edges, edges[1:], strict=False) if h
        ]
        assert all(-2.5 <= low < high <= 2.5 for low, high in with_bars)
        title = (
            f"epoch {epoch}: 0 % on x below -2.5, 100 % on x from -2.5 to 2.5, 0 % on x above 2.5"
        )
        assert axes.get_title(loc="left") == title
        (rug,) = [line for line in lines(axes) if line.get_marker() == "|"]
        assert len(rug.get_xdata()) == 12  # 4 samples, 3 units


def test_the_panels_share_their_x_and_hold_practically_all():
    values = np.concatenate([np.linspace(-9, 12, 594), [40.0, -50.0, 1e6, 60.0, 70.0, 80.0]])
    figure = picture_of(ACTIVATIONS["relu"], [moment(values.reshape(200, 3))])
    top, row = panels(figure)
    low, high = top.get_xlim()
    assert row.get_xlim() == (low, high)
    beyond = sum(not low <= value <= high for value in values)
    assert 0 < beyond <= 0.02 * len(values)
    assert f"{100 * beyond / len(values):.0f} % outside the picture" in row.get_title(loc="left")


def test_what_is_far_away_does_not_hide_the_kinks():
    figure = picture_of(ACTIVATIONS["hard"], [moment([[1e9, 1e9, 1e9], [-1e9, 0.0, 2.0]])])
    top, row = panels(figure)
    low, high = top.get_xlim()
    assert (low, high) == (-78.0, 78.0)  # 20 times 3 on either side, and 15 % of that extent
    assert "67 % outside the picture" in row.get_title(loc="left")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_pre_activations_that_are_not_finite_are_told(value):
    some = [moment([[value, 1.0, 3.0]]), moment([[value] * 3], epoch=7)]
    figure = picture_of(ACTIVATIONS["hard"], some)
    titles = [axes.get_title(loc="left") for axes in panels(figure)[1:]]
    assert titles == [
        "epoch 0: 0 % on x below -2.5, 50 % on x from -2.5 to 2.5, 50 % on x above 2.5; 1 of 3 "
        "are not finite",
        "epoch 7: no pre-activation is finite",
    ]


def test_of_many_epochs_a_dozen_have_rows_the_first_and_the_last_among_them():
    many = [moment([[0.0, 1.0, 2.0]], epoch=epoch) for epoch in range(100)]
    _, *rows = panels(picture_of(ACTIVATIONS["tanh"], many))
    titles = [axes.get_title(loc="left").split(":")[0] for axes in rows]
    assert len(titles) == 12
    assert (titles[0], titles[-1]) == ("epoch 0", "epoch 99")


def test_a_function_in_python_has_its_curve_and_no_pieces():
    activation = in_python("$mine$", np.tanh, lambda x: 1.0 - np.tanh(x) ** 2)
    figure = picture_of(activation, [moment([[0.0, 1.0, 2.0]])])
    x, y = curve_of(figure, VALUE)
    same(y, np.tanh(x))
    same(curve_of(figure, SLOPE)[1], 1.0 - np.tanh(x) ** 2)
    assert panels(figure)[0].texts[:] == []
    assert "epoch 0: the middle 95 % on x from 0 to 2" in words(figure)


@pytest.mark.parametrize(
    "text", ["where(x < 0, 1/x, x)", "log(x + 1)", "x**3", "exp(exp(x))", "sqrt(x)"]
)
def test_poles_and_holes_leave_a_picture(text):
    axes = panels(picture_of(load_activation(text)))[0]
    assert np.isfinite(axes.get_ylim()).all()
