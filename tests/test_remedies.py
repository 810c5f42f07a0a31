"""What stands in the way of a training, which remedies are tried, and when one works."""

from dataclasses import replace
from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prepared import trial

from hsig.activations import ACTIVATIONS
from hsig.activations.in_python import in_python
from hsig.analysis.parts import Part
from hsig.analysis.remedies import (
    MAX_INPUT,
    MIN_SPREAD,
    find_unreachable,
    find_unscaled_inputs,
    list_ladders,
    suitable_output,
)
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Solved, summarise
from hsig.analysis.trials import (
    BRIEF,
    LONG,
    MAX_TIMES,
    MAX_WORK,
    Search,
    Trial,
    best_remedy,
    has_room,
    judge_remedy,
    list_cut_remedies,
    median_loss,
    propose_remedies,
    seeds_with_room,
    smallest_remedy,
)
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Outcome
from hsig.experiments.training import gather, run
from hsig.networks.losses import LOSSES
from hsig.reports.obstacles import warnings_of


def experiment(**flags):
    return load_experiment(
        flags={key: str(value) for key, value in flags.items()}, command="explain"
    )


def search_of(chosen, trials=(), verdict="slow"):
    """Some trials, by label, of an experiment of which all seeds failed alike."""
    n = len(chosen.seeds)
    numbers = replace(trial(0, n).numbers, solved=Solved.from_counts(0, n), verdicts={verdict: n})
    before = Trial(Part("", chosen, Outcome(chosen, ())), numbers, loss=1.0)
    return Search(before, dict(trials))


def every_remedy(chosen):
    """Those that may be tried before anything is known."""
    return [r for ladder in list_ladders(chosen) for r in ladder if r.can_work]


def changes(**flags):
    return [(remedy.name, remedy.layers) for remedy in every_remedy(experiment(**flags))]


def train(chosen):
    return gather(chosen, run(chosen))


def custom(targets, inputs=None, **flags):
    """An experiment on a task of its own."""
    inputs = inputs or [[n / len(targets)] for n in range(len(targets))]
    return experiment(
        task={"inputs": inputs, "targets": list(targets)}, **{"loss": "squared"} | flags
    )


# --- obstacles --------------------------------------------------------------------------------


@given(
    targets=st.lists(st.floats(-5, 5).map(lambda y: round(y, 2)), min_size=1, max_size=12),
    output=st.sampled_from(["sigmoid", "tanh", "relu", "hard", "identity"]),
    within=st.sampled_from([0.25, 0.5, 1.0]),
)
def test_every_sample_that_is_out_of_reach_is_counted(targets, output, within):
    chosen = custom(targets, output_activation=output, solved_within=within)
    low, high = ACTIVATIONS[output].range
    far = tuple(n for n, y in enumerate(targets) if max(y - high, low - y) >= within)
    assert find_unreachable(chosen, chosen.variants[0]) == far
    warned = [text for text in warnings_of([chosen, chosen]) if "no output of" in text]
    assert len(warned) == bool(far)


def test_a_sample_with_one_output_out_of_reach_is_out_of_reach_once():
    chosen = custom([[0, 0], [5, 0], [5, 5]], output_activation="sigmoid")
    assert find_unreachable(chosen, chosen.variants[0]) == (1, 2)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_output_that_is_proposed_reaches_all_targets_that_go_with_the_loss(loss):
    output = suitable_output(LOSSES[loss])
    targets = np.array([0.0, 0.3, 1.0] if LOSSES[loss].needs_probabilities else [-1e9, 1e9])
    assert not output.out_of_reach(targets, 1e-9).any()
    assert output.maps_into_unit_interval or not LOSSES[loss].needs_probabilities


@pytest.mark.parametrize(
    ("column", "is_off"),
    [
        ([-MAX_INPUT, MAX_INPUT], False),
        ([0, 1.01 * MAX_INPUT], True),
        ([-1.01 * MAX_INPUT, 0], True),
        ([0.5, 0.5 + 1.01 * MIN_SPREAD], False),
        ([0.5, 0.5 + 0.99 * MIN_SPREAD], True),
        ([0.5, 0.5], False),  # says nothing on any scale
        ([2020, 2020], True),
    ],
)
def test_an_input_is_unscaled_if_too_large_or_too_close_together(column, is_off):
    chosen = custom([0, 1], [[x] for x in column])
    warned = any("initial weights" in text for text in warnings_of([chosen]))
    assert bool(find_unscaled_inputs(chosen)) == is_off == warned
    assert not find_unscaled_inputs(custom([0, 1], [[x] for x in column], scale="standard"))


def test_what_is_said_of_the_largest_input_is_so():
    """The slope of the logistic sigmoid at 10, which the reason for the bound names."""
    assert 0.0 < ACTIVATIONS["sigmoid"].derivative(np.array([MAX_INPUT]))[0] < 1e-4
    (found,) = find_unscaled_inputs(custom([0, 1], [[1, 20], [3, 40]]))
    assert found == ("input 2", 20.0, 40.0)


@pytest.mark.parametrize("task", ["xor", "and", "or", "parity3"])
@pytest.mark.parametrize("loss", ["squared", "bce"])
def test_nothing_is_said_of_hsigs_own_tasks(task, loss):
    flags = {"task": task, "loss": loss, "activations": "all"}
    assert warnings_of([load_experiment(flags=flags, command="compare")]) == ()


# --- which remedies ---------------------------------------------------------------------------


WEIGHTS = "{hidden: [[1, 3], [2, 1], [3, 2]], output: [[1], [2], [3]]}"


@pytest.mark.parametrize(
    ("size", "others"),
    [("1", ["batch"]), ("all", ["online"]), ("4", ["online"]), ("9", ["online"]),
     ("2", ["online", "batch"])],
)  # fmt: skip
def test_other_batches_are_tried_and_no_batch_that_is_the_same(size, others):
    """Of the four rows of xor."""
    found = [name for name, _ in changes(batch_size=size) if name.endswith(" updates")]
    assert found == [f"{name} updates" for name in others]


def test_remedies_are_tried_only_where_they_make_sense():
    naive = changes(activation="hard", loss="bce_naive")
    assert naive[0] == ("loss bce", "")
    assert ("leak 0.05", "output") not in naive  # it would leave [0, 1]
    assert ("leak 0.05", "hidden") in naive
    smooth = [name for name, _ in changes(activation="sigmoid")]
    assert not any(name.startswith(("leak", "slope", "logistic", "sigmoid")) for name in smooth)
    assert ("online updates", "") in changes(update="batch")
    assert ("initial weights from [-2, 2)", "") not in changes(init="uniform:-2,2")
    assert ("initial weights from [0, 1)", "") in changes(init="uniform:-2,2")
    assert ("slope 0.25", "both") not in changes(activation="hard:slope=0.25", loss="squared")
    relu = changes(activation="relu", loss="bce")
    assert relu.index(("leak 0.05", "hidden")) < relu.index(("tanh", "hidden"))
    assert not any(name.startswith("slope") for name, _ in relu)
    assert ("300 hidden units", "") not in changes(hidden=200)
    chosen = experiment(activation="hard")
    for verdict, tried in (("slow", True), ("dead", False), ("frozen", False)):  # never or not
        ladders = search_of(chosen, verdict=verdict).ladders
        assert any("times the epochs" in r.name for rungs in ladders for r in rungs) is tried


def test_in_place_of_given_weights_others_are_drawn_on_enough_seeds():
    chosen = experiment(hidden=2, seeds=1, initial_weights=WEIGHTS)
    tried = [r for r in every_remedy(chosen) if r.name.startswith("initial weights")]
    assert [remedy.name[21:] for remedy in tried] == ["[0, 1)", "[-1, 1)"]
    for remedy in tried:
        assert remedy.experiment.seeds == tuple(range(CLAIM_SEEDS))
        assert remedy.experiment.initial_weights is None
        assert len(remedy.experiment.starting_weights()[0]) == CLAIM_SEEDS
    assert not any("hidden units" in remedy.name for remedy in every_remedy(chosen))
    beside = {name for k in (80, 9) for name in names_of_search(chosen, {"[0, 1)": k})}
    assert "initial weights from [0, 1), learning rate 1" in beside


@pytest.mark.parametrize(
    ("given_", "right"),
    [
        ("{name: f, formula: sigmoid(x), derivative: sigmoid(x)}", "sigmoid"),
        ("{name: f, formula: tanh(x), derivative: '1'}", "tanh"),
        ("hard:backward=logistic", "hard"),
        ("relu:backward=straight_through", "relu"),
    ],
)
def test_in_place_of_a_slope_that_was_given_a_formula_has_its_own(given_, right):
    """The same bits as of the activation that was meant."""
    flags = {"loss": "squared", "seeds": 3, "epochs": 20, "output_activation": "identity"}
    first = every_remedy(experiment(activation=given_, **flags))[0]
    assert (first.name, first.layers) == ("its own derivative", "hidden")
    ours, theirs = (train(e).results[0] for e in (first.experiment, experiment(
        activation=right, **flags)))  # fmt: skip
    np.testing.assert_array_equal(ours.predictions, theirs.predictions)


def test_a_function_in_python_is_given_the_derivative_of_its_values():
    wrong = in_python("f", np.tanh, np.cos)
    derived = wrong.with_own_derivative()
    x = np.linspace(-3.0, 3.0, 61)
    np.testing.assert_allclose(derived.derivative(x), 1.0 - np.tanh(x) ** 2, atol=1e-10)
    chosen = experiment(activation="tanh")
    variant = replace(chosen.variants[0], hidden_activations=(wrong,))
    assert every_remedy(replace(chosen, variants=(variant,)))[0].name == "its own derivative"


@pytest.mark.parametrize(
    ("spec", "output", "name", "layers", "expected"),
    [
        ("relu", "relu", "leak 0.05", "both", True),  # LeakyReLU(0.05)
        ("hard", "same", "leak 0.05", "hidden", False),
        ("hard", "same", "slope 0.25", "both", False),
        ("relu", "relu", "logistic gradient", "both", False),
        ("hard", "same", "tanh", "hidden", True),
        ("hard", "same", "sigmoid", "output", True),
        ("hard", "same", "learning rate 1", "", True),
        ("hard:backward=logistic", "same", "its own derivative", "both", True),
    ],
)
def test_a_remedy_knows_whether_a_library_has_it(spec, output, name, layers, expected):
    chosen = experiment(activation=spec, output_activation=output, loss="squared")
    tried = every_remedy(chosen)
    (remedy,) = (r for r in tried if (r.name, r.layers) == (name, layers))
    assert made_trial(remedy, chosen, 0).in_libraries is expected


BEYOND = "{inputs: [[0], [1]], targets: [-1, 2]}"


def test_where_no_output_reaches_a_target_each_remedy_has_one_that_does():
    tried = every_remedy(experiment(activation="hard", loss="squared", task=BEYOND))
    assert (tried[0].name, tried[0].layers) == ("identity", "output")
    assert all(remedy.name.startswith("identity output, ") for remedy in tried[1:])
    beside = [remedy.name.removeprefix("identity output, ") for remedy in tried[1:]]
    assert {"learning rate 1", "batch updates", "5 hidden units"} < set(beside)
    assert not any("scaled" in name for name in beside)
    for remedy in tried:
        (variant,) = remedy.experiment.variants
        assert variant.output_activation.name == "identity"
    low = changes(activation="hard:high=0.4", task="{inputs: [[0], [1]], targets: [0, 1]}")
    assert low[0] == ("sigmoid", "output")
    linear = changes(activation="tanh", output_activation="identity", loss="squared", task=BEYOND)
    assert not any(layers == "output" for _, layers in linear)  # none reaches farther
    assert ("relu", "hidden") in linear


def test_what_has_no_gradient_is_given_one_and_nothing_else_is_tried():
    gradients = ["own gradient", "output gradient", "logistic gradient"]
    assert changes(activation="ultra_fast") == [(name, "both") for name in gradients]
    assert changes(activation="tanh", output_activation="ultra_fast")[0] == (gradients[0], "output")
    beyond = changes(activation="ultra_fast", loss="squared", task=BEYOND)
    assert beyond == [(f"identity output, {name}", "hidden") for name in gradients]


def test_inputs_off_scale_are_scaled_first():
    people = "{inputs: [[18], [90], [40]], targets: [0, 1, 1]}"
    chosen = experiment(activation="tanh", task=people)
    first, smaller = every_remedy(chosen)[:2]
    assert (first.name, first.experiment.scale) == ("inputs scaled (standard)", "standard")
    assert (smaller.experiment.scale, smaller.experiment.learning_rate) == ("standard", 0.01)
    squares = custom([x * x for x in range(10)], [[x] for x in range(10)])
    with_scale = [r.name for r in every_remedy(squares) if "scaled" in r.name]
    assert "identity output, inputs scaled (standard), learning rate 0.001" in with_scale
    others = [*changes(activation="tanh", task=people, scale="minmax"), *changes(activation="tanh")]
    assert not any("scaled" in name for name, _ in others)


@pytest.mark.parametrize("loss", ["bce", "squared", "bce_naive"])
@pytest.mark.parametrize("name", ["hard", "sigmoid", "tanh", "relu", "ultra_fast", "step", "abs"])
def test_every_remedy_can_be_trained(name, loss):
    tried = every_remedy(experiment(activation=name, loss=loss, epochs=2, seeds=2))
    labels = [remedy.experiment.variants[0].label for remedy in tried]
    assert labels == [remedy.label for remedy in tried]
    assert len(set(labels)) == len(labels)
    for remedy in tried:
        assert not train(remedy.experiment).results[0].failure
        if loss != "squared":
            assert remedy.experiment.variants[0].output_activation.maps_into_unit_interval


def test_a_remedy_changes_what_it_says_and_starts_from_the_same_seeds():
    chosen = experiment(activation="hard", loss="squared", seeds="5,3", hidden="[2, 2]")
    by_label = {r.experiment.variants[0].label: r.experiment for r in every_remedy(chosen)}
    assert by_label["learning rate 1"].learning_rate == 1.0
    assert by_label["10 times the epochs"].epochs == 40_000
    leaky = by_label["leak 0.05 output"].variants[0]
    assert leaky.hidden_activations == chosen.variants[0].hidden_activations
    assert leaky.output_activation.parameters["leak"] == 0.05
    both = by_label["logistic gradient both"].variants[0]
    backward = {a.backward for a in (*both.hidden_activations, both.output_activation)}
    assert backward == {"logistic"}
    for changed in by_label.values():
        assert changed.seeds == (5, 3)
        if (changed.init, changed.hidden) == (chosen.init, chosen.hidden):
            for ours, theirs in zip(
                changed.starting_weights(), chosen.starting_weights(), strict=True
            ):
                np.testing.assert_array_equal(ours, theirs)


# --- in which order ---------------------------------------------------------------------------


def made_trial(remedy, chosen, k, loss=1.0):
    """A remedy of which so many seeds are solved, and the others are not."""
    n, before = len(remedy.experiment.seeds), search_of(chosen).before
    solved = Solved.from_counts(min(k, n), n)
    numbers = replace(before.numbers, label=remedy.label, solved=solved)
    part = Part(remedy.name, remedy.experiment, Outcome(remedy.experiment, ()))
    return replace(judge_remedy(before, part, numbers), loss=loss)


@given(
    data=st.data(),
    flags=st.sampled_from(
        [
            {"activation": "hard", "seeds": 100},
            {"activation": "relu", "seeds": 4, "loss": "squared"},
            {"activation": "tanh", "seeds": 100, "task": "{inputs: [[0], [50]], targets: [0, 1]}"},
            {"activation": "tanh", "seeds": 100, "loss": "squared", "epochs": 10**6,
             "task": "{inputs: [[0], [1]], targets: [0, 81]}"},
            {"hidden": 2, "seeds": 1, "initial_weights": WEIGHTS},
            {"activation": "ultra_fast", "seeds": 100},
        ]
    ),
    most=st.sampled_from([0, 40, 100]),
)  # fmt: skip
def test_a_step_farther_is_tried_only_where_none_before_it_suffices(data, flags, most):
    chosen = experiment(**flags)
    trials, stages = {}, 0
    room = max(MAX_WORK, MAX_TIMES * work(chosen) * len(chosen.seeds))
    while proposed := propose_remedies(search := search_of(chosen, trials)):
        suffices = any(tried.suffices for tried in trials.values())
        for remedy in proposed:
            assert remedy.label not in trials
            below = next(
                rungs[: rungs.index(remedy)] for rungs in search.ladders if remedy in rungs
            )
            assert not any(trials[rung.label].suffices for rung in below if rung.label in trials)
            assert all(rung.label in trials for rung in below if rung.can_work)
            assert remedy.time == pytest.approx(work(remedy.experiment) / work(chosen))
            assert remedy.time <= LONG or not suffices
        if max(remedy.time for remedy in proposed) > BRIEF:  # nothing brief is left
            left = {r.label: r for r in search.list_next(search.ladders)}
            tried = sum(map(takes, trials.values()))
            assert not [r for r in left.values() if r.time <= BRIEF and takes(r) <= room - tried]
        for remedy in proposed:
            k, loss = data.draw(st.integers(0, most)), data.draw(st.sampled_from([0.5, 2.0, inf]))
            trials[remedy.label] = made_trial(remedy, chosen, k, loss)
        assert (stages := stages + 1) < 30
    assert sum(map(takes, trials.values())) <= room
    left = room - sum(map(takes, trials.values()))
    cut = list_cut_remedies(search_of(chosen, trials))
    assert all(takes(remedy) > left and remedy.label not in trials for remedy in cut)
    search = search_of(chosen, trials)
    remedies = [remedy for rungs in search.ladders for remedy in rungs]
    assert trials.keys() <= {remedy.label for remedy in remedies}  # each still has its place
    assert len({remedy.label for remedy in remedies}) == len(remedies)
    ordered = search.order_trials()
    assert ordered.keys() == trials.keys()
    known = [tried.in_libraries for tried in ordered.values()]
    assert known == sorted(known, reverse=True)  # what no library has comes last


def takes(remedy):
    return work(remedy.experiment) * len(remedy.experiment.seeds)


def work(chosen):
    """Epochs times rows times weights."""
    weights = sum(layer[0].size for layer in chosen.starting_weights())
    return chosen.epochs * len(chosen.task.targets) * weights


@pytest.mark.parametrize("hidden", ["3", "[2, 4]"])
def test_the_time_of_a_remedy_goes_by_epochs_and_weights(hidden):
    chosen = experiment(activation="relu", hidden=hidden)
    for remedy in every_remedy(chosen):
        expected = work(remedy.experiment) / work(chosen)
        assert made_trial(remedy, chosen, 0).time == pytest.approx(expected, rel=1e-12)
    times = {remedy.name: made_trial(remedy, chosen, 0).time for remedy in every_remedy(chosen)}
    assert (times["10 times the epochs"], times["batch updates"]) == (10, 1)


def names_of_search(chosen, solved):
    """The names of all that is tried, where so many seeds are solved by those that are named so."""
    trials = {}
    while proposed := propose_remedies(search_of(chosen, trials)):
        for remedy in proposed:
            k = next((k for name, k in solved.items() if remedy.name.endswith(name)), 0)
            trials[remedy.label] = made_trial(remedy, chosen, k)
    return list(trials)


def test_a_second_change_stands_beside_the_one_that_got_farthest():
    chosen = experiment(activation="tanh", seeds=100, learning_rate=0.01)
    names = names_of_search(chosen, {"learning rate 0.1": 3, "learning rate 1": 60})
    assert "learning rate 1, 10 times the epochs" in names
    assert "learning rate 1, initial weights from [-1, 1)" in names
    assert not any(name.startswith("learning rate 0.1,") for name in names)
    # none suffices: beside two, and beside two changes
    names = names_of_search(chosen, {"learning rate 0.1": 3, "learning rate 1": 20})
    assert {"learning rate 1, 10 times the epochs", "learning rate 0.1, 10 times the epochs"} < set(
        names
    )
    # nothing can be seen to be better
    names = names_of_search(chosen, {"learning rate 1": 100})
    assert not any(name.count("learning rate") and "times" in name for name in names)
    # no claim can be made
    names = names_of_search(experiment(activation="tanh", seeds=99), {})
    assert not any("learning rate" in name and "times" in name for name in names)


def test_what_takes_too_much_work_is_named_and_not_tried():
    chosen = experiment(activation="relu", seeds=100, epochs=10**6)  # so much that times count
    trials = {}
    while proposed := propose_remedies(search_of(chosen, trials)):
        trials |= {remedy.label: made_trial(remedy, chosen, 0) for remedy in proposed}
    cut = {remedy.label for remedy in list_cut_remedies(search_of(chosen, trials))}
    assert cut
    assert not cut & trials.keys()
    assert sum(tried.time for tried in trials.values()) <= MAX_TIMES
    assert "learning rate 1" in trials


def test_what_cannot_be_solved_as_it_is_is_tried_with_what_can_be_and_other_numbers():
    """A straight line: with another activation the rate matters again."""
    chosen = experiment(activation="identity", seeds=100, learning_rate=0.001)
    names = names_of_search(chosen, {})
    assert "learning rate 0.01" not in names
    assert "tanh hidden, learning rate 0.01" in names


def test_which_rate_got_farthest_does_not_hang_on_the_cost_that_is_shown():
    """The median of each seed's loss at its weights, by their own predictions."""
    losses = set()
    for cost in ("weights", "last", "mean"):
        result = (outcome := train(custom([1, 0], seeds=5, epochs=7, cost=cost))).results[0]
        squares = ((result.predictions - [[1.0], [0.0]]) ** 2).mean(axis=(1, 2))
        losses.add(median_loss(outcome))
        assert median_loss(outcome) == pytest.approx(np.median(squares), rel=1e-5)
    assert len(losses) == 1


# --- what is claimed --------------------------------------------------------------------------


def judged(before, after):
    """A remedy: what became of one experiment, then of the other."""
    outcomes = [train(chosen) for chosen in (before, after)]
    numbers = [summarise(outcome).variants[0] for outcome in outcomes]
    was = Trial(Part("", before, outcomes[0]), numbers[0])
    return judge_remedy(was, Part("x", after, outcomes[1]), numbers[1])


def test_a_remedy_works_when_most_are_solved_and_the_interval_lies_above():
    assert len(experiment().seeds) == CLAIM_SEEDS == 100
    better = experiment(activation="tanh", epochs=600, seeds=100)
    worse = experiment(activation="tanh", epochs=50, seeds=100)
    untrained = experiment(activation="ultra_fast", seeds=100)
    few = experiment(activation="tanh", epochs=600, seeds=99)
    assert judged(worse, better).works
    assert judged(untrained, better).works
    assert judged(better, worse).works is False
    assert judged(few, few).works is None
    failed = judged(worse, untrained)
    assert (failed.numbers.solved.n, failed.numbers.verdicts, failed.works) == (0, {}, False)


def test_on_a_loss_a_remedy_works_when_it_is_claimed_to_be_better():
    chosen = experiment(activation="tanh", epochs=50, seeds=30, measure="loss")
    found = Search.begin(Part("", chosen, train(chosen)))
    changed = {"longer": {"epochs": 400}, "same": {}, "other loss": {"loss": LOSSES["squared"]}}
    parts = []
    for name, settings in changed.items():
        variants = (replace(chosen.variants[0], label=name),)
        outcome = train(replace(chosen, variants=variants, **settings))
        parts.append(Part(name, outcome.experiment, outcome))
    untrained = experiment(activation="ultra_fast", epochs=50, seeds=30, measure="loss")
    parts.append(Part("untrained", untrained, train(untrained)))
    trials = found.add(parts[:2]).add(parts[2:]).trials
    assert [t.works for t in trials.values()] == [True, False, None, False]
    assert trials["longer"].paired.better > 25
    assert (trials["same"].paired.ties, trials["other loss"].paired) == (30, None)
    assert best_remedy(trials.values()) is smallest_remedy(trials.values()) is trials["longer"]
    back = Search.begin(parts[-1]).add(parts[:1])
    assert back.trials["longer"].works  # what is trained at all is better than what is not
    few = replace(chosen, seeds=(0, 1, 2, 3, 4))
    longer = replace(few, epochs=400)
    tried = Search.begin(Part("", few, train(few))).add([Part("longer", longer, train(longer))])
    assert [t.works for t in tried.trials.values()] == [None]


def wilson(k, n):
    """The rates from which k of n are 1.96 standard errors away: the roots of a quadratic."""
    z2 = 1.959963984540054**2
    a, b, c = 1 + z2 / n, -(2 * k / n + z2 / n), (k / n) ** 2
    root = sqrt(max(0.0, b * b - 4 * a * c))
    return (-b - root) / (2 * a), (-b + root) / (2 * a)


@given(n=st.integers(100, 400), data=st.data())
def test_it_can_work_just_where_some_outcome_would(n, data):
    k = data.draw(st.integers(0, n - 1))
    can = any(wilson(other, n)[0] > wilson(k, n)[1] and 2 * other > n for other in range(k, n + 1))
    assert has_room(Solved.from_counts(k, n)) is can


@given(n=st.integers(100, 2000), data=st.data())
def test_with_the_seeds_that_are_asked_for_half_the_failures_would_be_seen_to_be_fewer(n, data):
    k = data.draw(st.integers(n * 3 // 4, n - 1))
    enough = seeds_with_room(Solved.from_counts(k, n))
    failed = -((k - n) * enough // n)
    assert wilson(enough - failed // 2, enough)[0] > wilson(enough - failed, enough)[1]
    assert enough > n or has_room(Solved.from_counts(k, n))


def test_the_smallest_change_that_works_is_the_first_and_the_best_solves_most():
    fails, few, most = trial(99, 100), trial(60, 100, works=True), trial(90, 100, works=True)
    as_many = trial(90, 100, works=True)
    assert smallest_remedy([fails, few, most]) is few
    assert best_remedy([fails, few, most, as_many]) is most
    assert smallest_remedy([fails]) is best_remedy([fails]) is None
