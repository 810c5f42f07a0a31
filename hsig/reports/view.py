"""What somebody who watches a training has chosen to see, and what each key makes of it."""

from dataclasses import dataclass, replace

SLOWEST, FASTEST = 0.1, 1e9  # epochs per second
_FASTER = 2.0  # by a key
_WHOLE_S = 20.0  # that the budget takes unless somebody says otherwise


@dataclass(frozen=True, kw_only=True)
class View:
    """Which seed is seen at which epoch, and how that goes on.

    Attributes:
        seeds: How many there are.
        budget: Epochs.
        speed: Epochs per second.
        place: Of the seed that is seen, among the seeds.
        epoch: The moment, in parts of an epoch too; never beyond the budget.
        paused: Whether it stays there.
        behind: Whether the training is slower than the speed.
        ended: Whether nothing more is to be seen.
    """

    seeds: int
    budget: int
    speed: float
    place: int = 0
    epoch: float = 0.0
    paused: bool = False
    behind: bool = False
    ended: bool = False

    @classmethod
    def of(cls, seeds: int, budget: int, speed: float | None = None) -> "View":
        """The first seed from the start on, by default the whole budget in some 20 seconds."""
        chosen = budget / _WHOLE_S if speed is None else speed
        return cls(seeds=seeds, budget=budget, speed=_within(chosen))

    @property
    def at_end(self) -> bool:
        """Whether the budget is reached."""
        return self.epoch >= self.budget

    def pressed(self, key: str) -> "View":
        """What a key makes of it; one that means nothing changes nothing."""
        match key:
            case "left":
                return replace(self, place=max(0, self.place - 1))
            case "right":
                return replace(self, place=min(self.seeds - 1, self.place + 1))
            case "up":
                return replace(self, speed=_within(self.speed * _FASTER))
            case "down":
                return replace(self, speed=_within(self.speed / _FASTER))
            case "space" if not self.at_end:
                return replace(self, paused=not self.paused)
            case "r":
                return replace(self, epoch=0.0, paused=False, behind=False)
            case "q" | "escape":
                return replace(self, ended=True)
        return self

    def after(self, seconds: float) -> "View":
        """What it is so much later, if the training keeps up."""
        if self.paused or self.at_end:
            return self
        return replace(self, epoch=min(float(self.budget), self.epoch + self.speed * seconds))

    def held(self, epoch: int, *, behind: bool) -> "View":
        """The same as far as it can be seen.

        Args:
            epoch: What the training has come to.
            behind: Whether it is to go on first.
        """
        return replace(self, epoch=min(self.epoch, epoch) if behind else self.epoch, behind=behind)


def _within(speed: float) -> float:
    return min(FASTEST, max(SLOWEST, speed))
