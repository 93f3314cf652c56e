"""How far a run is: in steps, or in minutes.

A recipe states its phases and its learning rate in steps. A run that ends by the clock keeps these numbers: they become
shares of its time. "Position" is the common word: a number of steps of the recipe, from 0 to `max_train_steps`.
"""

import time
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast

# Several processes agree on the time by a message. They do so at least once in so many steps, and more often where
# steps take longer than a twentieth of a second.
_MOST_STEPS = 10
_SECONDS_BETWEEN = 0.5


class RunProgress:
    """The position of a run, its steps and its clock.

    Without `max_train_minutes` the position is the number of steps taken, and the same run always ends alike. With it,
    the position follows the share of the time that has passed. A fast machine then takes more than one step per
    position, a slow one skips positions. The time counts from the end of the first step, because before it the data is
    opened and code is compiled: this must not cost the warm-up of the learning rate.

    Args:
        accelerator: its first process has the clock that counts.
        max_train_steps: the last position.
        max_train_minutes: 0 for a run that counts steps.

    Attributes:
        step: optimizer steps taken so far.
        position: 0 .. `max_train_steps`.
    """

    def __init__(self, accelerator: Accelerator, max_train_steps: int, max_train_minutes: float = 0.0) -> None:
        self._accelerator = accelerator
        self._last = max_train_steps
        self._seconds = 60.0 * max_train_minutes
        self._began = time.monotonic()
        self._earlier = 0.0
        self._reserve = 0.0
        # Seconds, step and position from which the position follows the time.
        self._origin: tuple[float, int, int] | None = None
        self._next_look = 0
        self.step = 0
        self.position = 0

    @property
    def timed(self) -> bool:
        """Whether the clock ends the run."""
        return self._seconds > 0

    @property
    def done(self) -> bool:
        """Whether the last step has been taken."""
        return self.position >= self._last

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, those before the training checkpoint it resumed from included."""
        return self._earlier + time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds until the last step; not positive once they have passed."""
        return self._seconds - self._reserve - self.elapsed

    def keep_free(self, seconds: float) -> bool:
        """Keep some seconds free at the end of the run; all processes call this, and the first one decides.

        Returns:
            Whether there is time left for steps.
        """
        self._reserve = seconds
        (left,) = self._agreed(self.left)
        return left > 0

    def finish(self) -> None:
        """Take no more steps."""
        self.position = self._last

    def advance(self) -> range:
        """Count a step.

        Returns:
            The positions that the run has reached with it, the new one last; none if the clock is still at the old one.
        """
        before = self.position
        self.step += 1
        self.position = self._by_clock() if self.timed else self.step
        return range(before + 1, self.position + 1)

    def _by_clock(self) -> int:
        if self._origin is None:
            self._origin = (self.elapsed, self.step, self.position)
        if self.step < self._next_look:
            return self.position
        seconds, step, position = self._origin
        passed = self.elapsed - seconds
        share = passed / max(self.left + passed, 1e-9)
        reached = max(self.position, min(position + int(share * (self._last - position)), self._last))
        wait = _SECONDS_BETWEEN * (self.step - step) / max(passed, 1e-9)
        reached, wait = map(int, self._agreed(reached, min(max(wait, 1), _MOST_STEPS)))
        if self._accelerator.num_processes > 1:
            self._next_look = self.step + wait
        return reached

    def _agreed(self, *numbers: float) -> list[float]:
        """The numbers of the first process, in all processes."""
        if self._accelerator.num_processes == 1:
            return list(numbers)
        # Positions are whole numbers below 2**24, which 32 bits hold exactly.
        agreed: list[float] = broadcast(torch.tensor(numbers, device=self._accelerator.device)).tolist()
        return agreed

    def state_dict(self) -> dict[str, Any]:
        """Step, position, the seconds that have passed, and whether they count."""
        return {"step": self.step, "position": self.position, "elapsed": self.elapsed, "timed": self.timed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of [`state_dict`]; the time that it states counts as passed.

        Raises:
            ValueError: if the state is that of a run with a clock and this run has none, or the other way round.
        """
        if state["timed"] != self.timed:
            found, needed = ("ends by the clock", "with") if state["timed"] else ("counts steps", "without")
            raise ValueError(
                f"the training checkpoint is that of a run that {found}: resume it {needed} --max_train_minutes"
            )
        self.step, self.position, self._earlier = state["step"], state["position"], state["elapsed"]


def crosses(positions: range, interval: int) -> bool:
    """Whether one of some positions, which follow one another, is a multiple of `interval`."""
    return len(positions) > 0 and positions[-1] // interval > (positions[0] - 1) // interval
