"""What an engine runs of a formula: steps over registers, each an operation on whole arrays.

Operands are numbered. 0 is the pre-activation x, 1 to `registers - 1` are what steps write, and from
`registers` on come the constants. A step may write the register that it reads.
"""

from dataclasses import dataclass
from typing import NamedTuple


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


@dataclass(frozen=True)
class Program:
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
