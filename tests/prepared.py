"""Outcomes made by hand, so that what comes after training is tested without any."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime

import numpy as np

from hsig.analysis.parts import REMEDY, Part
from hsig.analysis.summary import Solved, VariantSummary, summarise
from hsig.analysis.sweeps import SweepOutcome
from hsig.analysis.trials import Trial
from hsig.config.loading import load_experiment
from hsig.experiments.evidence import Evidence
from hsig.experiments.experiment import Outcome, Training
from hsig.experiments.measures import Measures
from hsig.experiments.outlook import Outlook
from hsig.experiments.sweeps import Axis, CellResult
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import SLOW, SOLVED, VERDICTS, Ending, judge
from hsig.reports.documents import document

RIGHT, WRONG, UNKNOWN = [0.9, 0.8, 0.1, 0.2], [0.5, 0.6, 0.4, 0.1], [np.nan] * 4


def prepared(predictions, costs, *, diverged_at=(), cost="last", **flags):
    """An outcome with results made by hand; predictions (seeds, 4), costs (seeds, checkpoints)."""
    seeds, checkpoints = np.shape(costs)
    experiment = load_experiment(flags={**_sizes(seeds, checkpoints), "cost": cost, **flags})
    (variant,) = experiment.variants
    return Outcome(experiment, (_training(experiment, variant, predictions, costs, diverged_at),))


def compared(results, **flags):
    """A comparison made by hand: by spec, predictions and costs, or the reason of a failure."""
    seeds, checkpoints = next(np.shape(made[1]) for made in results.values() if len(made) > 1)
    flags = {"cost": "last", **flags}
    experiment = load_experiment(
        flags={"activations": ",".join(results), **_sizes(seeds, checkpoints), **flags}
    )
    return Outcome(
        experiment,
        tuple(
            _training(experiment, variant, *made)
            if len(made) > 1
            else Training.failed(variant, *made)
            for variant, made in zip(experiment.variants, results.values(), strict=True)
        ),
    )


def trial(k, n, name="x", *, works=False, epochs=10):
    """A remedy that was tried, of which only what is given matters."""
    experiment = load_experiment(flags={"activation": "hard", "epochs": str(epochs)})
    part = Part(name, experiment, Outcome(experiment, ()), REMEDY)
    numbers = VariantSummary(
        label=name,
        solved=Solved(k, n, 0.0, 1.0),
        verdicts={},
        epochs_to_solve=(np.nan,) * 3,
        lost=0,
        stopped=0,
        failure="",
    )
    return Trial(part, numbers, works=works)


def measures(**arrays):
    """Of some seeds, (seeds,) or at each checkpoint; what is not given is unknown."""
    known = {name: np.array(values, dtype=float) for name, values in arrays.items()}
    shape = next(iter(known.values())).shape
    missing = np.full(shape if len(shape) > 1 else (*shape, 1), np.nan)
    known = {name: values.reshape(missing.shape) for name, values in known.items()}
    return Measures(**{field.name: known.get(field.name, missing) for field in fields(Measures)})


def cell(solved, seeds=None, **arrays):
    """A cell of a sweep of which only what is solved and these measures matter."""
    solved = np.array(solved, dtype=bool)
    never = np.full(len(solved), -1)
    return CellResult(
        seeds=tuple(range(len(solved))) if seeds is None else seeds,
        solved=solved,
        solved_at=never,
        lost_at=never,
        diverged_at=never,
        stopped_at=never,
        verdict=np.where(solved, VERDICTS.index(SOLVED), VERDICTS.index(SLOW)),
        cost=np.zeros(len(solved)),
        measures=measures(**{"loss": np.zeros(len(solved)), **arrays}),
    )


def failed_cell(reason):
    """A cell of a sweep that could not be trained."""
    return replace(cell([]), failure=reason)


def swept(cells, axes=("learning_rate", "epochs"), **flags):
    """A sweep with these cells, by their values."""
    values = [dict.fromkeys(cell[place] for cell in cells) for place in range(len(axes))]
    return SweepOutcome(
        tuple(Axis(name, tuple(texts)) for name, texts in zip(axes, values, strict=True)),
        load_experiment(flags=flags),
        cells,
    )


def made_run(**flags):
    """What `keep_run` keeps of a run of `train`."""
    experiment = load_experiment(flags={"epochs": "20", "report_every": "10"} | flags)
    outcome = gather(experiment, run(experiment))
    return dict(
        command="train",
        arguments=("train",),
        configs={"my.yaml": "epochs: 20\n"},
        parts=[Part("", experiment, outcome)],
        result=json.dumps(document(outcome, summarise(outcome))),
        complete=outcome.complete,
        started=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        seconds=0.5,
    )


def _sizes(seeds, checkpoints):
    """The flags that give so many of them; of the engine that every machine has."""
    return {
        "epochs": str(10 * (checkpoints - 1)),
        "report_every": "10",
        "seeds": str(seeds),
        "engine": "reference",
    }


def _training(experiment, variant, predictions, costs, diverged_at=(), **arrays):
    predictions = np.array(predictions, dtype=float)[:, :, None]
    costs = np.array(costs, dtype=float)
    seeds = len(predictions)
    diverged = np.array(diverged_at or [-1] * seeds)
    errors = np.abs(predictions - experiment.task.targets).max(axis=(1, 2))
    solved = (errors < 0.5) & (diverged < 0)
    evidence = healthy_evidence(costs.shape)
    outlook = falling_outlook(
        ~solved & (diverged < 0), np.where(np.isfinite(costs[:, -1]), 1.0, np.nan)
    )
    return Training(
        seeds=experiment.seeds,
        variant=variant,
        epochs=experiment.checkpoints,
        cost_last=costs,
        cost_mean=costs / 2,
        measures=measures(loss=costs / 4, **arrays),
        held_out_predictions=np.zeros((seeds, 0, 1)),
        predictions=predictions,
        max_error=errors,
        weights=(np.zeros((seeds, 3, 3)), np.zeros((seeds, 4, 1))),
        solved=solved,
        solved_at=np.where(errors < 0.5, 7, -1),
        lost_at=np.full(seeds, -1),
        stopped_at=np.full(seeds, -1),
        diverged_at=diverged,
        diverged_by=tuple("" if epoch < 0 else "overflow" for epoch in diverged),
        verdict=judge(
            Ending(
                diverged_at=diverged,
                stopped_at=np.full(seeds, -1),
                solved=solved,
                evidence=evidence.select_checkpoint(-1),
                outlook=outlook,
                affine_solves=False,
                reachable=True,
            )
        ),
        evidence=evidence,
        outlook=outlook,
        twin_distance=np.full(seeds, np.nan),
    )


def falling_outlook(is_known, cost_drop):
    """The outlook of seeds whose cost goes on falling, by so much."""
    return replace(
        Outlook.unknown(len(is_known)),
        is_known=is_known,
        cost_rise=np.zeros(len(is_known)),
        largest_step_change=np.zeros(len(is_known)),
        cost_drop=np.where(is_known, cost_drop, np.nan),
    )


def healthy_evidence(shape):
    """Evidence of one hidden layer without a linear piece or a disease, (seeds, checkpoints)."""
    return Evidence(
        on_piece=np.ones((*shape, 1, 1)),
        on_one_piece=np.zeros((*shape, 1)),
        alive=np.ones((*shape, 1)),
        gradient=np.ones((*shape, 2)),
        solved=np.zeros(shape, dtype=bool),
        slope=np.ones((*shape, 1)),
        flat=np.zeros((*shape, 2)),
        wrong_gradient=np.ones(shape),
        nonaffinity=np.ones(shape),
    )
