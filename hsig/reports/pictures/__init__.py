"""The words of pictures: what each shows, from the numbers that `hsig.figures` draws."""

from hsig.reports.pictures.caption import Caption
from hsig.reports.pictures.of_networks import activation_caption, surface_caption
from hsig.reports.pictures.of_sweeps import difference_caption, sweep_caption
from hsig.reports.pictures.of_variants import (
    comparison_caption,
    costs_caption,
    solved_caption,
    verdicts_caption,
)

__all__ = [
    "Caption",
    "activation_caption",
    "comparison_caption",
    "costs_caption",
    "difference_caption",
    "solved_caption",
    "surface_caption",
    "sweep_caption",
    "verdicts_caption",
]
