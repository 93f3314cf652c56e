"""How a run ends before its last step: by Ctrl-C, by the end of a lease, or by a fault of what it needs.

Each way ends in one sentence that says how to go on. A fault of the program itself keeps its traceback.
"""

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import reduce
from safetensors import SafetensorError

from ..memory import is_out_of_memory

logger = logging.getLogger(__name__)

# Several processes agree by a message whether to stop, once in so many steps.
_STEPS_BETWEEN = 10
# Words of PyTorch's writer, which does not say what the system told it.
_WRITER = ("PytorchStreamWriter", "unexpected pos")


class RunStoppedError(Exception):
    """A run that ended early; one sentence says why and how to go on.

    Attributes:
        exit_code: of the process: 2, or 128 and the number of the signal that ended the run.
    """

    def __init__(self, sentence: str, exit_code: int = 2) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


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

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Take note of signals in a `with` block; only the main thread can."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def received(self, step: int) -> int:
        """The number of a signal that asks the run to stop, the same in all processes; 0 for none.

        Args:
            step: of the run. Several processes compare notes every tenth step, so that a signal that reaches only one
                of them, or reaches them at different steps, stops all after the same step.
        """
        if self._accelerator.num_processes == 1:
            return self._received
        if step % _STEPS_BETWEEN:
            return 0
        mine = torch.tensor(float(self._received), device=self._accelerator.device)
        total: Any = reduce(mine, "sum")
        # Which signal it was matters for the exit code alone.
        return self._received or (signal.SIGTERM if total > 0 else 0)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and self._received == signal.SIGINT:
            raise KeyboardInterrupt
        if not self._received:
            logger.warning("stopping after this step, with a training checkpoint (Ctrl-C again: at once)")
        self._received = self._received or number


def fault_in(error: BaseException) -> str | None:
    """What is wrong around a run that an exception ended, in words; `None` if the program itself is wrong."""
    if is_out_of_memory(error):
        return (
            "there is too little memory: lower --train_batch_size (--gradient_accumulation_steps makes up for it) or "
            "--reservoir_mib"
        )
    if isinstance(error, FloatingPointError):
        return str(error)
    if isinstance(error, OSError | SafetensorError):
        place = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        return f"{place}{getattr(error, 'strerror', None) or ' '.join(str(error).split())}"
    if isinstance(error, RuntimeError) and any(words in str(error) for words in _WRITER):
        return "a file cannot be written to its end; is the disk full?"
    return None
