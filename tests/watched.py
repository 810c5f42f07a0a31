"""How tests watch: experiments, and what is seen of them at an epoch, without any terminal."""

from hsig.config.loading import load_experiment
from hsig.experiments.snapshots import Stepper
from hsig.reports.page import View
from hsig.reports.watching import picture


def loaded(activation="hard", *, seeds="3", epochs="40", **flags):
    """A small experiment, as `hsig watch` loads it."""
    given = {"activation": activation, "seeds": seeds, "epochs": epochs, **flags}
    return load_experiment(flags=given, command="train")


def course_at(experiment, epoch):
    """Its training at an epoch."""
    course = Stepper(experiment)
    for _ in course.advance_to(epoch):
        pass
    return course


def view_at(experiment, epoch, *, place=0, **changes):
    """A view of it there."""
    view = View.of(len(experiment.seeds), experiment.epochs)
    made = {"place": place, "epoch": float(epoch), **changes}
    return type(view)(**{**vars(view), **made})


def seen_at(experiment, epoch, *, place=0, **changes):
    """The picture of a seed at an epoch."""
    seen = course_at(experiment, epoch).view_seed(place)
    return picture(experiment, view_at(experiment, epoch, place=place, **changes), seen)


def written(path, *rows):
    """The task of a CSV file with these rows."""
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return f"csv:{path}"
