"""Programs of vector operations in the kernel: their numbers, their bits, and what is refused."""

from dataclasses import replace

import pytest
from hand_made import PROGRAMS, by_program
from test_engines import make_problem, make_state
from test_kernel import PATHS, assert_close, assert_same, built

from hsig.engines import compiled, reference
from hsig.networks.activations import ACTIVATIONS
from hsig.networks.losses import LOSSES

pytestmark = built


@pytest.mark.parametrize("update", ["online", "batch"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_epoch_by_a_program_is_the_references_to_a_trillionth(name, loss, update):
    problem = make_problem(by_program(PROGRAMS[name]), loss, update=update)
    state = make_state(range(40), 3, bounds=(-2.0, 2.0))
    ours, theirs = (engine.advance(state, problem, 1) for engine in (compiled, reference))
    assert_close(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("update", ["online", "batch"])
@pytest.mark.parametrize("hidden", [3, 5])
@pytest.mark.parametrize("name", [name for name in PROGRAMS if name in ACTIVATIONS])
def test_a_program_has_the_bits_of_what_the_kernel_has_itself(name, hidden, update):
    own = make_problem(name, "squared", update=update)
    program = by_program(PROGRAMS[name])
    hand_made = replace(own, network=replace(own.network, hidden_activation=program))
    state = make_state(range(141), hidden, bounds=(-4.0, 4.0))
    expected = compiled.advance(state, own, 200)
    for path in PATHS:
        assert_same(compiled.advance(state, hand_made, 200, path=path), expected)
