"""How a run ends before its last step: by Ctrl-C, by the end of a lease, or by a fault of what it needs.

Each way ends in one sentence that says how to go on. A fault of the program itself keeps its traceback.
"""

import logging
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import reduce
from huggingface_hub.errors import HTTPError
from safetensors import SafetensorError

from ..memory import is_out_of_memory
from ..signal_handlers import handled

logger = logging.getLogger(__name__)

# Several processes agree by a message whether to stop: about so often, and at least once in so many steps. Launchers
# such as torchrun kill them half a minute after a signal.
_SECONDS_BETWEEN = 2.0
_MOST_STEPS = 10
# Words of PyTorch's writer, which does not say what the system told it.
_WRITER = ("PytorchStreamWriter", "unexpected pos")
# Where the library of processes on CPUs reports a lost connection.
_PEERS = "gloo/transport"


class RunStoppedError(Exception):
    """A run that ended early; one sentence says why and how to go on.

    Attributes:
        exit_code: of the process: 2, or 128 and the number of the signal that ended the run.
    """

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


class DataSetError(ValueError):
    """A data set that holds nothing to train on."""


class Termination(KeyboardInterrupt):
    """SIGTERM while there is no step to finish: it ends the run as Ctrl-C does."""


def exit_code_of(interrupt: KeyboardInterrupt) -> int:
    """The exit code of a process that Ctrl-C or SIGTERM ended."""
    return 128 + (signal.SIGTERM if isinstance(interrupt, Termination) else signal.SIGINT)


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise a [`Termination`] in a `with` block: what is incomplete is deleted, and a sentence said."""

    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Termination

    with handled(terminate, signal.SIGTERM):
        yield


class StopSignals:
    """Takes note of SIGINT (Ctrl-C) and SIGTERM, so that the run can finish its step and write a training checkpoint.

    A second Ctrl-C raises a KeyboardInterrupt at once. Other repetitions are ignored: launchers of several processes
    send a SIGTERM after the Ctrl-C that these have got already.

    Args:
        accelerator: knows the other processes.
    """

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._received = 0
        self._interrupts = 0
        # Of the last look at what the other processes have received: when, and at which step; and the step of the next.
        self._looked = (time.monotonic(), 0)
        self._next_look = 0

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Take note of signals in a `with` block; only the main thread can."""
        with handled(self._note, signal.SIGINT, signal.SIGTERM):
            yield

    def received(self, step: int) -> int:
        """The number of a signal that asks the run to stop, the same in all processes; 0 for none.

        Args:
            step: of the run. Several processes compare notes every two seconds or so: a signal that reaches only one
                of them, or reaches them at different steps, stops all after the same step.
        """
        if self._accelerator.num_processes == 1:
            return self._received
        if step < self._next_look:
            return 0
        (then, before), now = self._looked, time.monotonic()
        mine = [float(self._received), (now - then) / max(step - before, 1)]
        total: Any = reduce(torch.tensor(mine, device=self._accelerator.device), "sum")
        # All processes compute the next look from the same numbers.
        received, seconds = total[0].item(), total[1].item() / self._accelerator.num_processes
        self._looked = (now, step)
        self._next_look = step + int(min(max(_SECONDS_BETWEEN / max(seconds, 1e-9), 1), _MOST_STEPS))
        # Which signal it was matters for the exit code alone.
        return self._received or (signal.SIGTERM if received > 0 else 0)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._interrupts += number == signal.SIGINT
        if number == signal.SIGINT and self._interrupts > 1:
            raise KeyboardInterrupt
        if not self._received:
            logger.warning("stopping after this step, with a training checkpoint (a second Ctrl-C: at once)")
        self._received = self._received or number


def fault_in(error: BaseException) -> str | None:
    """What is wrong around a run that an exception ended, in words; `None` if the program itself is wrong."""
    if is_out_of_memory(error):
        return (
            "there is too little memory: lower --train_batch_size (--gradient_accumulation_steps makes up for it) or "
            "--reservoir_mib"
        )
    if isinstance(error, FloatingPointError | DataSetError):
        return str(error)
    if isinstance(error, OSError | SafetensorError):
        # Of a copy, the second file is the one that is written.
        name = (error.filename2 or error.filename) if isinstance(error, OSError) else None
        place = f"{name}: " if name else ""
        return f"{place}{getattr(error, 'strerror', None) or ' '.join(str(error).split())}"
    if isinstance(error, HTTPError):
        return f"the Hub cannot be reached: {error}"
    if isinstance(error, RuntimeError) and any(words in str(error) for words in _WRITER):
        return "a file cannot be written to its end; is the disk full?"
    if isinstance(error, RuntimeError) and _PEERS in str(error):
        return "another process of the run has ended, and says why"
    return None
