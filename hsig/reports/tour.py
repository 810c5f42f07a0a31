"""The tour for newcomers: five commands, and what to look at in what they print."""

from typing import NamedTuple


class Step(NamedTuple):
    """A command of the tour.

    Attributes:
        title: What it shows.
        command: As one would type it behind `hsig`.
        look: Two sentences on what to look at.
    """

    title: str
    command: str
    look: tuple[str, str]


STEPS = (
    Step(
        "sigmoid learns",
        "train sigmoid",
        (
            "A hundred small networks learnt XOR, each from weights of its own (a seed): the cost "
            "falls, and each prediction ends near its target.",
            "The last lines say how many seeds were solved, and between which rates the truth may "
            "lie.",
        ),
    ),
    Step(
        "hard does not",
        "train hard",
        (
            "The cost stops near 0.693, and every prediction near 0.49: the networks give the same "
            "answer to everything.",
            "Hardly any seed is solved, though the curve of hard is nowhere more than 0.08 from "
            "that of sigmoid.",
        ),
    ),
    Step(
        "why",
        "explain hard -q",
        (
            "Find the word affine: in most seeds every hidden unit stays on the straight middle "
            "part of the curve, so that the network can only draw one straight border, and none "
            "separates XOR.",
            "The gradient is not 0: it is not the flat ends of hard that stop these.",
        ),
    ),
    Step(
        "what helps",
        "train hard --init uniform:-2,2 -q",
        (
            "One thing was changed: the weights begin between -2 and 2, and not between 0 and 1.",
            "Most seeds are solved now, so what failed was not hard alone, but hard from such a "
            "start within such a budget.",
        ),
    ),
    Step(
        "the map",
        "sweep hard --learning-rate 0.01,0.03,0.1,0.3,1,3 "
        "--epochs 500,1000,2000,4000,8000,16000,32000 -q",
        (
            "Each cell is the percentage of a hundred seeds that were solved: follow the row of "
            "0.1, the rate that was used so far, from 4000 epochs to 8000, and see that hard was "
            "slow and not lost.",
            "In the last two rows none is solved at any budget: most are frozen, and their weights "
            "do not move any more.",
        ),
    ),
)
NEXT = (
    "That is all. hsig watch hard shows it as it happens, hsig plot hard draws it, hsig compare "
    "all compares all activations, and hsig help says what each word means."
)
