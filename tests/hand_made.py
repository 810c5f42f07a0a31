"""Programs written by hand, and what NumPy makes of a program: a loop over its steps.

It shares nothing with `hsig` but the nouns, so that whoever runs programs has somebody to disagree
with.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import erf

from hsig.activations import Activation
from hsig.formulas.program import Program, Step


def multiply(a, b):
    """0 times infinite is 0."""
    product = a * b
    return np.where(np.isnan(product) & ~np.isnan(a) & ~np.isnan(b), 0.0, product)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x > 0.0, 1.0, e) / (1.0 + e)


def where(relation):
    return lambda a, b, yes, no: np.where(relation(a, b), yes, no)


NUMPY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": multiply,
    "divide": np.divide,
    "negative": np.negative,
    "absolute": np.abs,
    "sign": np.sign,
    "sqrt": np.sqrt,
    "floor": np.floor,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "tanh": np.tanh,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "asinh": np.arcsinh,
    "atan": np.arctan,
    "sin": np.sin,
    "cos": np.cos,
    "erf": erf,
    "sigmoid": sigmoid,
    "softplus": lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    "power": np.power,
    "where_less": where(np.less),
    "where_less_equal": where(np.less_equal),
    "where_equal": where(np.equal),
}


def evaluate(program, x):
    """The value and the slope of a program at x."""
    registers = {0: x}

    def operand(number):
        if number < program.registers:
            return registers[number]
        return np.full_like(x, program.constants[number - program.registers])

    with np.errstate(all="ignore"):
        value = operand(program.value) if program.value_steps == 0 else None
        for done, (name, target, operands) in enumerate(program.steps, 1):
            registers[target] = NUMPY[name](*map(operand, operands))
            if done == program.value_steps:
                value = operand(program.value)
    return value, operand(program.slope)


@dataclass(frozen=True)
class ByProgram(Activation):
    """An activation that is a program, as a formula is."""

    program: Program = field(default=None, kw_only=True)
    is_logistic: bool = field(default=False, kw_only=True)
    range = (-np.inf, np.inf)
    formula = "a program"

    def value(self, x):
        return evaluate(self.program, x)[0]

    def derivative(self, x):
        return evaluate(self.program, x)[1]

    def training_slope(self, x, _y):
        return self.derivative(x)


def by_program(program, name="by hand", **more):
    return ByProgram(name, "x", "a test", program=program, **more)


def program_of(text, *, value, slope):
    """A program from lines such as `y = multiply x 2`; names and numbers become operands.

    A line of dashes ends the steps of the value.
    """
    lines = [line.split() for line in text.strip().splitlines()]
    registers = {"x": 0}
    for line in lines:
        if line[0] != "---":
            registers.setdefault(line[0], len(registers))
    constants = []

    def operand(word):
        if word in registers:
            return registers[word]
        number = float.fromhex(word) if "0x" in word else float(word)
        if number not in constants:
            constants.append(number)
        return len(registers) + constants.index(number)

    steps, ends = [], None
    for line in lines:
        if line[0] == "---":
            ends = len(steps)
            continue
        target, _, operation, *operands = line
        steps.append(Step(operation, registers[target], tuple(map(operand, operands))))
    return Program(
        steps=tuple(steps),
        value_steps=len(steps) if ends is None else ends,
        value=operand(value),
        slope=operand(slope),
        constants=tuple(constants),
        registers=len(registers),
    )


# by the name of the activation in hsig
PROGRAMS = {
    "tanh": program_of(
        """
        y = tanh x
        ---
        s = multiply y y
        s = subtract 1 s
        """,
        value="y",
        slope="s",
    ),
    "sigmoid": program_of(
        """
        y = sigmoid x
        ---
        s = subtract 1 y
        s = multiply y s
        """,
        value="y",
        slope="s",
    ),
    "softplus": program_of(
        """
        y = softplus x
        ---
        s = sigmoid x
        """,
        value="y",
        slope="s",
    ),
    "silu": program_of(
        """
        s = sigmoid x
        y = multiply x s
        ---
        d = subtract 1 s
        d = multiply s d
        d = multiply x d
        s = add s d
        """,
        value="y",
        slope="s",
    ),
    "elu": program_of(
        """
        n = minimum 0 x
        e = expm1 n
        y = where_less 0 x x e
        ---
        e = exp n
        e = where_less 0 x 1 e
        """,
        value="y",
        slope="e",
    ),
    "hard": program_of(
        """
        y = multiply 0.2 x
        y = add y 0.5
        y = maximum 0 y
        y = minimum 1 y
        ---
        s = absolute x
        s = where_less_equal s 2.5 0.2 0
        """,
        value="y",
        slope="s",
    ),
    "identity": program_of("unused = negative x", value="x", slope="1"),
    "mish": program_of(
        """
        t = softplus x
        t = tanh t
        y = multiply x t
        ---
        s = multiply t t
        s = subtract 1 s
        g = sigmoid x
        s = multiply s g
        s = multiply x s
        s = add t s
        """,
        value="y",
        slope="s",
    ),
}
