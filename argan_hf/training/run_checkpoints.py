"""The training checkpoints of a run: the one that it starts from, those that it writes, what to say about them."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from .arguments import ArganTrainingArguments
from .checkpoint_manifest import find_damage, settings_of, step_of
from .checkpointing import find_checkpoint, latest_checkpoint, load_checkpoint, save_checkpoint, set_newer_aside
from .output_folder import check_unused, prepare_folder, remove_earlier_run
from .stopping import RunStoppedError, exit_code_of, fault_in

logger = logging.getLogger(__name__)


class RunCheckpoints:
    """The training checkpoints of a run. The folder of the run is made and checked, and not changed yet.

    Args:
        args: the settings of the run.

    Attributes:
        resumed_from: the training checkpoint that the run starts from; `None` for a new run.

    Raises:
        FileNotFoundError: if there is no training checkpoint to resume from.
        OSError: if the folder cannot be written.
        ValueError: if the folder holds an earlier run, or what is to be resumed is damaged.
    """

    def __init__(self, args: ArganTrainingArguments) -> None:
        self._folder = Path(args.output_dir)
        self._limit = args.checkpoints_total_limit
        self._overwrites = args.overwrite_output_dir
        self._settings = settings_of(args)
        prepare_folder(self._folder)
        self.resumed_from: Path | None = None
        if args.resume_from_checkpoint:
            self.resumed_from = find_checkpoint(args.resume_from_checkpoint, self._folder)
        if not (self._goes_on_here or self._overwrites):
            check_unused(self._folder)

    @property
    def _goes_on_here(self) -> bool:
        return self.resumed_from is not None and self.resumed_from.resolve().parent == self._folder.resolve()

    def resume(self, accelerator: Accelerator, load_own_state: Callable[[dict[str, Any]], None]) -> None:
        """Load the training checkpoint that the run starts from, if there is one.

        Args:
            accelerator: holds the networks and optimizers.
            load_own_state: takes the state of this process.

        Raises:
            ValueError: if it was written with other settings.
        """
        if self.resumed_from is not None:
            load_checkpoint(accelerator, self.resumed_from, load_own_state, settings=self._settings)

    def take_folder(self, accelerator: Accelerator) -> None:
        """Take the folder from an earlier run, when the first step is about to be taken.

        Raises:
            OSError: if what is in it cannot be deleted or renamed.
        """
        accelerator.wait_for_everyone()  # All processes have read what they resume.
        if accelerator.is_main_process:
            if self._overwrites:
                remove_earlier_run(self._folder)
            if self.resumed_from is not None and self._goes_on_here:
                for aside in set_newer_aside(self._folder, self.resumed_from):
                    logger.warning("a training checkpoint that is newer than the resumed one is now %s", aside)
        accelerator.wait_for_everyone()

    def save(self, accelerator: Accelerator, step: int, own_state: dict[str, Any]) -> None:
        """Write the training checkpoint of a step; see [`save_checkpoint`]."""
        folder = self._folder / f"checkpoint-{step}"
        save_checkpoint(accelerator, folder, own_state, settings=self._settings, total_limit=self._limit)

    def way_on(self) -> str:
        """What to do after a stop, as the end of a sentence."""
        found = [path for path in (latest_checkpoint(self._folder), self.resumed_from) if path is not None]
        last = max(found, key=_step_or_none, default=None)
        if last is None:
            return "there is no training checkpoint yet"
        return f"the last training checkpoint is {last}: --resume_from_checkpoint {last} goes on from there"

    @contextmanager
    def faults_told(self, place: Callable[[], str]) -> Iterator[None]:
        """Turn what is wrong around a run into one sentence that says how to go on.

        Args:
            place: where the run is, as the beginning of the sentence.

        Raises:
            RunStoppedError: instead of such an exception; others are raised as they are.
        """
        try:
            yield
        except KeyboardInterrupt as error:
            raise RunStoppedError(f"{place()}: stopped at once; {self.way_on()}", exit_code_of(error)) from error
        except Exception as error:
            if (fault := fault_in(error)) is None:
                raise
            raise RunStoppedError(f"{place()}: {fault}; {self.way_on()}") from error


def _step_or_none(folder: Path) -> int:
    """The step of a training checkpoint; -1 for one that is gone or damaged meanwhile."""
    return -1 if find_damage(folder) else step_of(folder)
