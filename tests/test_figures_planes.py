from dataclasses import replace

import numpy as np
import pytest
from drawings import drawn, legend, lines, of_gid, panels, same, words
from matplotlib.contour import ContourSet

from hsig import figures
from hsig.config.loading import load_experiment
from hsig.experiments.snapshots import take_snapshots
from hsig.networks.network import Weights
from hsig.networks.tasks import TASKS, Task
from hsig.reports.captions import surface_caption


def trained(at=(0, 30), task=None, **flags):
    """An experiment, its variant, and where that stood."""
    flags = {"engine": "reference", "epochs": "60", "seeds": "3", "activation": "hard", **flags}
    experiment = load_experiment(flags=flags)
    experiment = experiment if task is None else replace(experiment, task=task)
    (variant,) = experiment.variants
    return experiment, variant, take_snapshots(experiment, variant, at)


def picture_of(experiment, variant, seen, seed=None, theme="light"):
    caption = surface_caption(experiment, variant, seen, seed=seed)
    return drawn(
        figures.surface(experiment, variant, seen, seed=seed, caption=caption, theme=theme)
    )


def predicted(variant, moment, places, first, second):
    """By hand: a loop over the points, one network after the other."""
    hidden, output = variant.hidden_activation.value, variant.output_activation.value
    made = np.zeros((len(second), len(first)))
    for seed in places:
        weights = Weights(*(layer[seed] for layer in moment.weights))
        for y, below in enumerate(second):
            for x, left in enumerate(first):
                units = hidden(np.array([left, below, 1.0]) @ weights.hidden)
                made[y, x] += output(np.append(units, 1.0) @ weights.output)[0] / len(places)
    return made


@pytest.mark.parametrize("seed", [None, 1])
def test_the_image_is_what_the_networks_predict(seed):
    experiment, variant, seen = trained(init="uniform:-3,3")
    places = [0, 1, 2] if seed is None else [1]
    shown = panels(picture_of(experiment, variant, seen, seed))
    assert [axes.get_title(loc="left") for axes in shown] == ["epoch 0", "epoch 30"]
    for axes, moment in zip(shown, seen, strict=True):
        (image,) = axes.get_images()
        left, right, bottom, top = image.get_extent()
        assert (left, right, bottom, top) == (-0.25, 1.25, -0.25, 1.25)
        assert image.origin == "lower"
        assert image.get_clim() == (0.0, 1.0)
        number = len(image.get_array())
        points = np.linspace(left, right, number)[:: number // 4]
        some = image.get_array()[:: number // 4, :: number // 4]
        same(some, predicted(variant, moment, places, points, points))


def test_the_border_is_where_the_prediction_is_midway_between_the_targets():
    experiment, variant, seen = trained(
        (0, 60), activation="tanh", init="uniform:-3,3", learning_rate="1"
    )
    axes = panels(picture_of(experiment, variant, seen, 0))[-1]
    (border,) = [artist for artist in axes.get_children() if isinstance(artist, ContourSet)]
    (path,) = border.get_paths()
    ends = path.vertices[:: len(path.vertices) // 6]
    for x, y in ends:
        (value,) = predicted(variant, seen[-1], [0], [x], [y])[0]
        assert value == pytest.approx(0.5, abs=0.01)


def test_samples_have_a_shape_and_a_colour_for_their_target():
    experiment, variant, seen = trained()
    for axes in panels(picture_of(experiment, variant, seen)):
        marks = {line.get_marker(): line for line in lines(axes)}
        zero, one = marks["o"], marks["s"]
        assert sorted(zip(*zero.get_data(), strict=True)) == [(0.0, 0.0), (1.0, 1.0)]
        assert sorted(zip(*one.get_data(), strict=True)) == [(0.0, 1.0), (1.0, 0.0)]
        assert zero.get_markerfacecolor() != one.get_markerfacecolor()
    told = legend(picture_of(experiment, variant, seen))
    assert told == ["target 0", "target 1", "prediction 0.5", "kink of a unit"]


def test_every_sample_of_a_table_is_drawn_once():
    rng = np.random.default_rng(0)
    task = Task("many", rng.normal(size=(700, 2)), rng.normal(size=700), ("a", "b", "c"))
    experiment, variant, seen = trained(
        (0, 1), task, epochs="1", activation="relu", loss="squared", output_activation="linear"
    )
    axes = panels(picture_of(experiment, variant, seen))[0]
    points = np.concatenate([np.column_stack(line.get_data()) for line in lines(axes)])
    assert sorted(map(tuple, points)) == sorted(map(tuple, task.inputs))
    assert all(line.get_rasterized() for line in lines(axes))
    low, high = np.array(task.targets).min(), np.array(task.targets).max()
    told = legend(picture_of(experiment, variant, seen))
    assert told[:2] == [f"target {low:.6g} or nearer", f"target {high:.6g} or nearer"]


def test_units_bend_on_their_lines():
    experiment, variant, seen = trained(seeds="4", init="uniform:-4,4")
    axes = panels(picture_of(experiment, variant, seen, 2))[0]
    (bends,) = of_gid(axes, "bends")
    weights = seen[0].weights.hidden[2]
    segments = bends.get_segments()
    assert 1 <= len(segments) <= 6  # 3 units with 2 kinks; some lines pass by
    for ends in segments:
        at = np.column_stack([ends, np.ones(2)]) @ weights  # (ends, units)
        assert min(np.abs(np.abs(at) - 2.5).max(axis=0)) < 1e-9


def test_units_without_a_kink_have_dotted_lines_where_they_are_0():
    experiment, variant, seen = trained(activation="tanh", init="uniform:-4,4")
    figure = picture_of(experiment, variant, seen, 0)
    (bends,) = of_gid(panels(figure)[0], "bends")
    ((_, dashes),) = bends.get_linestyle()
    assert dashes[0] <= 1.0 < dashes[1]
    weights = seen[0].weights.hidden[0]
    for ends in bends.get_segments():
        assert min(np.abs(np.column_stack([ends, np.ones(2)]) @ weights).max(axis=0)) < 1e-9
    assert "unit at 0" in legend(figure)


def test_of_many_seeds_at_most_150_lines_are_drawn_and_the_footnote_says_so():
    experiment, variant, seen = trained(seeds="60", init="uniform:-4,4")
    for axes in panels(picture_of(experiment, variant, seen)):
        (bends,) = of_gid(axes, "bends")
        assert len(bends.get_segments()) <= 150
    notes = surface_caption(experiment, variant, seen, seed=None).footnote
    assert notes[0].endswith("at most 150 of 360 are drawn")  # 60 seeds, 3 units, 2 kinks


def test_predictions_without_bounds_have_the_colours_of_the_targets_and_half_as_far_around():
    experiment, variant, seen = trained(output_activation="linear", loss="squared")
    figure = picture_of(experiment, variant, seen)
    (image,) = panels(figure)[0].get_images()
    assert image.get_clim() == (-0.5, 1.5)
    told = "predictions below -0.5 and above 1.5 have the colours of these"
    assert told in surface_caption(experiment, variant, seen, seed=None).footnote
    (bar,) = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    assert bar.get_ylabel() == "mean prediction"


def test_seeds_whose_prediction_is_not_finite_are_left_out_of_the_mean():
    experiment, variant, seen = trained(seeds="2")
    hidden, output = (layer.copy() for layer in seen[0].weights)
    output[1] = np.nan
    broken = replace(seen[0], weights=Weights(hidden, output))
    both, alone = (
        panels(picture_of(experiment, variant, [one], seed))[0].get_images()[0].get_array()
        for one, seed in ((broken, None), (seen[0], 0))
    )
    assert both.shape == alone.shape
    same(both, alone)
    output[0] = np.nan
    nothing = replace(seen[0], weights=Weights(hidden, output))
    (image,) = panels(picture_of(experiment, variant, [nothing]))[0].get_images()
    assert image.get_array().mask.all()


@pytest.mark.parametrize("name", sorted(set(TASKS) - {"xor", "and", "or"}))
def test_a_task_with_other_than_two_inputs_is_refused(name):
    _, variant, seen = trained()
    experiment = load_experiment(flags={"task": name, "seeds": "3"})
    with pytest.raises(ValueError, match=f"two inputs, but {name} has 3"):
        figures.surface(experiment, variant, seen, seed=None, caption=None)


def test_a_seed_that_was_not_trained_is_refused():
    experiment, variant, seen = trained()
    with pytest.raises(ValueError, match="one of the seeds that were trained, got 7"):
        figures.surface(experiment, variant, seen, seed=7, caption=None)


def test_where_nothing_was_trained_the_samples_are_drawn():
    experiment, variant, seen = trained(activation="ultra_fast")
    assert seen == ()
    figure = picture_of(experiment, variant, seen)
    (axes,) = panels(figure)
    assert axes.get_images()[:] == []
    assert {line.get_marker() for line in lines(axes)} == {"o", "s"}
    assert legend(figure) == ["target 0", "target 1"]


def test_inputs_have_their_names_and_are_scaled_as_the_networks_see_them():
    experiment, variant, seen = trained()
    task = replace(experiment.task, columns=("$age$", "size", "target"))
    inputs = task.inputs * [100.0, 7.0]
    experiment = replace(experiment, task=replace(task, inputs=inputs), scale="minmax")
    figure = picture_of(experiment, variant, seen)
    assert {"$age$, scaled", "size, scaled"} <= set(words(figure))
    assert panels(figure)[0].get_images()[0].get_extent() == [-0.25, 1.25, -0.25, 1.25]
