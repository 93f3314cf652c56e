"""What a run says while it goes on: in the progress bar, to trackers, and in files of the output folder."""

import json
from pathlib import Path
from typing import Any

from accelerate import Accelerator
from PIL import Image
from tqdm.auto import tqdm

from .arguments import ArganTrainingArguments
from .output_folder import SAMPLES, TRACKED, VALIDATION_LOG
from .progress import RunProgress
from .validation import Validation


class RunLog:
    """Log lines and scores of a run; only the main process says anything.

    Args:
        accelerator: holds the trackers.
        args: the settings of the run.
        progress: of the run.
    """

    def __init__(self, accelerator: Accelerator, args: ArganTrainingArguments, progress: RunProgress) -> None:
        self._accelerator = accelerator
        self._args = args
        self._progress = progress
        self._bar: tqdm[Any] | None = None

    def filling_bar(self, capacity: int) -> "tqdm[Any]":
        """A bar of pictures that are read into the reservoir."""
        return tqdm(total=capacity, desc="filling the reservoir", unit="picture", disable=self._quiet)

    def step_bar(self) -> "tqdm[Any]":
        """The bar of the run: of steps, or of shares of the time, where the clock ends the run."""
        if self._args.report_to:
            self._accelerator.init_trackers(TRACKED)
        self._bar = tqdm(
            total=self._args.max_train_steps,
            initial=self._progress.position,
            unit="step",
            bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}" if self._progress.timed else None,
            disable=self._quiet,
        )
        return self._bar

    def values(self, shown: dict[str, float], tracked: dict[str, float]) -> None:
        """Losses and the like: some are shown in the bar, these and others go to the trackers."""
        if self._bar is not None:
            # A bar by the clock counts no steps.
            step = {"step": str(self._progress.step)} if self._progress.timed else {}
            self._bar.set_postfix(step | {name: f"{value:.3g}" for name, value in shown.items()})
        self._track(shown | tracked)

    def scores(self, validation: Validation) -> None:
        """Scores on held-out pictures: in the terminal, in `validation.jsonl`, to trackers; examples to `samples/`."""
        step, folder = self._progress.step, Path(self._args.output_dir)
        tqdm.write(f"step {step}: " + ", ".join(f"{k} {v:.3f}" for k, v in validation.scores.items()))
        with (folder / VALIDATION_LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps({"step": step, **validation.scores}) + "\n")
        self._track(validation.scores)
        samples = folder / SAMPLES
        samples.mkdir(exist_ok=True)
        pixels = validation.samples.permute(1, 2, 0).squeeze(2).numpy()
        Image.fromarray(pixels).save(samples / f"step-{step}.png")

    @property
    def _quiet(self) -> bool:
        return not self._accelerator.is_main_process

    def _track(self, values: dict[str, float]) -> None:
        if self._args.report_to:
            self._accelerator.log(values, step=self._progress.step)
