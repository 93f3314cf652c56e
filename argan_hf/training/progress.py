"""How far a run is: in steps, or in minutes.

A recipe states its phases and its learning rate in steps. A run that ends by the clock keeps these numbers: they become
shares of its time. "Position" is the common word: a number of steps of the recipe, from 0 to `max_train_steps`.
"""

import time
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast

# Several processes agree on the time once in so many steps: it costs them a message.
_CLOCK_INTERVAL = 10


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
        reserve: seconds at the end of the run that are kept free for validation and export.
    """

    def __init__(self, accelerator: Accelerator, max_train_steps: int, max_train_minutes: float = 0.0) -> None:
        self._accelerator = accelerator
        self._last = max_train_steps
        self._seconds = 60.0 * max_train_minutes
        self._began = time.monotonic()
        self._earlier = 0.0
        # Seconds and position from which the position follows the time.
        self._origin: tuple[float, int] | None = None
        self.step = 0
        self.position = 0
        self.reserve = 0.0

    @property
    def timed(self) -> bool:
        """Whether the clock ends the run."""
        return self._seconds > 0

    @property
    def done(self) -> bool:
        """Whether the last step has been taken."""
        return self.position >= self._last

    @property
    def left(self) -> float:
        """Seconds until the last step; not positive once they have passed."""
        return self._seconds - self.reserve - self.elapsed

    @property
    def elapsed(self) -> float:
        """Seconds since the run began, those before the training checkpoint it resumed from included."""
        return self._earlier + time.monotonic() - self._began

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
            self._origin = (self.elapsed, self.position)
        several = self._accelerator.num_processes > 1
        if several and self.step % _CLOCK_INTERVAL:
            return self.position
        seconds, start = self._origin
        share = (self.elapsed - seconds) / max(self.left + self.elapsed - seconds, 1e-9)
        position = max(self.position, min(start + int(share * (self._last - start)), self._last))
        if several:
            position = int(broadcast(torch.tensor(position, device=self._accelerator.device)))
        return position

    def state_dict(self) -> dict[str, Any]:
        """Step, position and the seconds that have passed."""
        return {"step": self.step, "position": self.position, "elapsed": self.elapsed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state of [`state_dict`]; the time that it states counts as passed."""
        self.step, self.position, self._earlier = state["step"], state["position"], state["elapsed"]


def crosses(positions: range, interval: int) -> bool:
    """Whether one of some positions, which follow one another, is a multiple of `interval`."""
    return len(positions) > 0 and positions[-1] // interval > (positions[0] - 1) // interval
