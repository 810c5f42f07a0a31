"""What an engine runs of a formula: steps over registers, each an operation on whole arrays.

Operands are numbered. 0 is the pre-activation x, 1 to `registers - 1` are what steps write, and
from `registers` on come the constants. A step may write the register that it reads.
"""

from typing import NamedTuple

from hsig.networks.formulas.nodes import Node, X, is_number, node, number, walk


class Step(NamedTuple):
    """One operation.

    Attributes:
        operation: The name of a primitive in `hsig.networks.formulas.primitives`.
        target: The register that is written, at least 1.
        operands: Numbers of operands, as many as the primitive takes.
    """

    operation: str
    target: int
    operands: tuple[int, ...]


class Program(NamedTuple):
    """The value and the slope of an activation, as steps that share what both need.

    Attributes:
        steps: In their order; the first `value_steps` make the value, all of them also the slope.
        value_steps: How many make the value.
        constants: Numbers that stay.
        registers: How many there are, x among them.
        value: The operand that is the value in the end.
        slope: The operand that is the slope in the end.
    """

    steps: tuple[Step, ...]
    value_steps: int
    constants: tuple[float, ...]
    registers: int
    value: int
    slope: int


def compile_program(value: Node, slope: Node) -> Program:
    """The steps that make a value and a slope, both `lowered`."""
    order = list(walk(value))
    made = set(order)
    operations = [one for one in order if one.operands]
    value_steps = len(operations)
    operations += [one for one in walk(slope) if one.operands and one not in made]
    numbers = dict.fromkeys(
        one.number for root in (value, slope) for one in walk(root) if is_number(one)
    )
    register, count = _registers(operations, (value, slope))
    place = {one: register[one] for one in register}
    place |= {number(value): count + n for n, value in enumerate(numbers)}
    steps = tuple(
        Step(one.operation, place[one], tuple(place[operand] for operand in one.operands))
        for one in operations
    )
    return Program(steps, value_steps, tuple(numbers), count, place[value], place[slope])


def _registers(operations: list[Node], kept: tuple[Node, ...]) -> tuple[dict[Node, int], int]:
    """The register of each operation's result, used again after its last use; and their count."""
    last_use = {operand: step for step, one in enumerate(operations) for operand in one.operands}
    last_use |= dict.fromkeys(kept, len(operations))
    register, free, count = {X: 0}, list[int](), 1
    for step, one in enumerate(operations):
        done = {u for u in one.operands if u.operands and last_use[u] == step}
        free = sorted({*free, *(register[u] for u in done)}, reverse=True)
        if free:
            register[one] = free.pop()
        else:
            register[one], count = count, count + 1
    return register, count


def keeping_nan(root: Node) -> Node:
    """A formula that is nan where x is: a comparison with nan takes the last branch."""
    kept: dict[Node, bool] = {}
    for one in walk(root):
        if one.operation.startswith("where_"):
            kept[one] = kept[one.operands[-1]]
        else:
            kept[one] = one is X or any(kept[operand] for operand in one.operands)
    return root if kept[root] else node("where_equal", X, X, root, X)
