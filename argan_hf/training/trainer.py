"""The training loop: draw crops, degrade them, update D once, then G once; validate, save, resume, export."""

import logging
import math
import shlex
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, set_seed
from huggingface_hub.errors import HTTPError
from torch import Tensor
from transformers import AutoModelForImageToImage, PreTrainedModel

from ..hub.publish import publish
from ..hub.upload import check_token
from ..modeling_argan import ArganDiscriminator
from .adversarial import AdversarialUpdate
from .arguments import ArganTrainingArguments
from .averaging import AveragedWeights, BestWeights
from .batch import Batch
from .batches import BatchSource
from .export import export_model, report_held_out
from .output_folder import export_whole
from .progress import RunProgress, crosses
from .reservoir import RefreshedReservoir
from .run_checkpoints import RunCheckpoints
from .run_log import RunLog
from .run_pictures import open_pictures
from .starting import start_from
from .stopping import RunStoppedError, StopSignals
from .tile_margin import tile_margin
from .trained_network import check_finite
from .validation import validate

logger = logging.getLogger(__name__)


class ArganTrainer:
    """Trains a generator, and in the adversarial phase a discriminator with it.

    Args:
        args: the settings of the run.

    Raises:
        ValueError: if the data set cannot be streamed or holds no usable picture, a crop is too small for D, there is
            no token to publish with, a new run finds an earlier one in its folder, or the training checkpoint to resume
            from is damaged or was written with other settings.
        FileNotFoundError: if there is no training checkpoint to resume from.
        OSError: if the output folder cannot be written.
    """

    def __init__(self, args: ArganTrainingArguments) -> None:
        self.args = args
        self.output_dir = Path(args.output_dir)
        self._checkpoints = RunCheckpoints(args)
        if args.push_to_hub:
            check_token()
        self.accelerator = Accelerator(
            # Without this flag, processes that torchrun starts on CPUs do not form a group.
            cpu=not torch.accelerator.is_available(),
            mixed_precision=args.mixed_precision,
            log_with=args.report_to or None,
            project_dir=self.output_dir,
            # BatchNorm's statistics matter in inference only, and there those of the main process count. If they were
            # copied to the other processes before every forward, older versions of torch would refuse the backward of
            # D, which runs twice before it.
            kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False)],
        )
        set_seed(args.seed)
        self.progress = RunProgress(self.accelerator, args.max_train_steps, args.max_train_minutes)
        self._log = RunLog(self.accelerator, args, self.progress)
        self._build()
        resumed_from = self._checkpoints.resumed_from
        self._open_data(fill=resumed_from is None)
        self._checkpoints.resume(self.accelerator, self._load_own_state)
        if resumed_from is not None:
            logger.info("resumed from %s at step %d", resumed_from, self.progress.step)

    def _build(self) -> None:
        args = self.args
        networks = self._build_networks()
        self.num_channels = networks[0].config.num_channels
        self.averaged = AveragedWeights(networks[0].to(self.accelerator.device), args.ema_decay)
        self.best = BestWeights()
        self.update = AdversarialUpdate(self.accelerator, args, *networks)
        self.accelerator.register_for_checkpointing(self.averaged, self.best)

    def _build_networks(self) -> list[PreTrainedModel]:
        """The generator, and the discriminator if the run has an adversarial phase."""
        args = self.args
        if args.model_name_or_path:
            generator = start_from(args.model_name_or_path, args.model_config)
        else:
            generator = AutoModelForImageToImage.from_config(args.model_config)
        networks = [generator.train()]
        if args.adversarial_start_step < args.max_train_steps:
            discriminator_config = args.discriminator_config
            if args.crop_size < discriminator_config.minimum_size:
                least = discriminator_config.minimum_size
                raise ValueError(f"crop_size must be at least {least} for the discriminator, found {args.crop_size}")
            networks.append(ArganDiscriminator(discriminator_config).train())
        layout = torch.channels_last if args.channels_last else torch.contiguous_format
        return [network.to(memory_format=layout) for network in networks]

    def _open_data(self, *, fill: bool) -> None:
        args, accelerator = self.args, self.accelerator
        opened = open_pictures(args, accelerator)
        self.pictures, self.validation, self.decoder = opened.training, opened.held_out, opened.decoder
        self._graphics = opened.graphics
        self.batches = BatchSource(
            self.pictures,
            args.degradation,
            crop_size=args.crop_size,
            num_channels=self.num_channels,
            seed=(args.seed, accelerator.process_index),
            graphics=self._graphics,
            graphics_share=args.graphics_share,
            graphics_grid_share=args.graphics_grid_share,
            torch_compile=args.torch_compile,
        )
        if fill:
            for pictures in self._reservoirs:
                with self._log.filling_bar(pictures.reservoir.capacity) as bar:
                    pictures.fill(bar.update)

    @property
    def _reservoirs(self) -> list[RefreshedReservoir]:
        return [self.pictures] if self._graphics is None else [self.pictures, self._graphics]

    # ---- the loop ------------------------------------------------------------------------------------------------

    def train(self) -> Path:
        """Train until `max_train_steps` or for `max_train_minutes`, export, and publish if `push_to_hub` is set.

        Returns:
            The folder with the exported generator (averaged weights: the best in validation, or the last), its image
            processor and the discriminator.

        Raises:
            RunStoppedError: if a loss or weight is not finite, a signal stops the run, something cannot be read or
                written, or there is too little memory; the message names the last training checkpoint, which is valid.
                Also if `max_train_minutes` is too short to take a step, or the export cannot be published.
        """
        args = self.args
        progress = self.progress
        if progress.done:
            logger.warning("this run had ended at step %d: nothing is trained, it is exported again", progress.step)
        with self._checkpoints.faults_told(lambda: f"step {progress.step}"):
            if progress.timed and not progress.done:
                self._reserve_time_to_finish()
            if args.torch_compile and not progress.done:
                logger.info("torch.compile takes a minute or more at the first step, and again where a phase begins")
            self._checkpoints.take_folder(self.accelerator)
            self._clock = (time.perf_counter(), progress.step)
            signals = StopSignals(self.accelerator)
            with signals.noted(), self._log.step_bar() as bar:
                while not progress.done:
                    bar.update(self._step(signals))
        with self._checkpoints.faults_told(lambda: "the export"):
            if self.accelerator.is_main_process:
                self._finish()
            self.close()
        return self.output_dir

    def _step(self, signals: StopSignals) -> int:
        """Take a step, and do what is due after it; returns how many positions it took."""
        args, progress = self.args, self.progress
        batches = [self.draw_batch() for _ in range(args.gradient_accumulation_steps)]
        logged = (progress.step + 1) % args.logging_steps == 0
        losses = self.update(batches, progress.position, logged=logged)
        self.averaged.update(self.accelerator.unwrap_model(self.update.generator))
        reached = progress.advance()
        received = 0 if progress.done else signals.received(progress.step)
        # The last step is kept, too: if the export fails, the run is not lost. A clock leaves no time for that.
        is_last = progress.done and not progress.timed
        checkpointed = bool(received) or is_last or crosses(reached, args.checkpointing_steps)
        if logged or checkpointed or progress.done:
            self._report(losses)
        validated = crosses(reached, args.validation_steps) or progress.done
        if validated or checkpointed:
            # A network that shows nothing at all has scores, too.
            for network in self.update.networks:
                check_finite(network.network)
        if validated:
            self._validate()
        if checkpointed:
            self._checkpoints.save(self.accelerator, progress.step, self._own_state())
        if received:
            self.close()
            sentence = f"stopped at step {progress.step}; {self._checkpoints.way_on()}"
            raise RunStoppedError(sentence, exit_code=128 + received)
        return len(reached)

    def close(self) -> None:
        """Stop reading ahead, end the trackers and leave the process group; nothing can be trained afterwards."""
        for pictures in self._reservoirs:
            pictures.stream.close()
        # The DDP wrappers are destroyed before the process group. The last owner of the group joins its thread when it
        # is destroyed. DDP would do so while it holds the GIL, for which that thread may be waiting: a deadlock.
        self.update.unwrap()
        self.accelerator.free_memory()
        self.accelerator.end_training()

    def _reserve_time_to_finish(self) -> None:
        """Validate and export once, so that the clock of the run can stop in time; it also shows that both work."""
        progress, start = self.progress, time.monotonic()
        logger.info("validating and exporting once, to know how much time to keep free for it")
        if self.accelerator.is_main_process:
            if self.validation:
                validate(self._restore_averaged, self.validation, self.num_channels)
            with TemporaryDirectory() as folder:
                self._export(Path(folder))
        finish = time.monotonic() - start
        if progress.keep_free(finish):
            return
        if progress.step == 0:
            raise RunStoppedError(
                f"max_train_minutes {self.args.max_train_minutes} leaves no time to train: opening the data took "
                f"{progress.elapsed - finish:.0f} s, validation and export take {finish:.0f} s"
            )
        logger.warning("max_train_minutes %g have passed: no more steps, export", self.args.max_train_minutes)
        progress.finish()

    def _export(self, folder: Path) -> None:
        """Write the averaged weights and what belongs to them."""
        discriminator = self.update.discriminator
        if discriminator is not None:
            discriminator = self.accelerator.unwrap_model(discriminator)
        self.averaged.model.config.tile_margin = tile_margin(self.averaged.model, self.validation)
        export_model(folder, self.averaged.model, discriminator, self.args, global_step=self.progress.step)
        if self.validation:
            data = f"held-out pictures of {self.args.dataset_name}"
            name = self.output_dir.resolve().name
            report_held_out(folder, self.validation, name, data, str(self.accelerator.device))

    def _finish(self) -> None:
        check_finite(self.averaged.model)
        if self.args.export_best:
            self.best.put_into(self.averaged.model)
        export_whole(self.output_dir, self._export)
        if self.args.push_to_hub:
            repo_id = self.args.hub_model_id or self.output_dir.resolve().name
            try:
                # Without ONNX files: a run of days shall not end in a library that is missing.
                url = publish(self.output_dir, repo_id, onnx=False, private=self.args.hub_private_repo)
            except (OSError, ValueError, HTTPError) as error:
                raise RunStoppedError(
                    f"{self.output_dir} holds the whole export, but it was not published: {error}; try again with "
                    f"argan publish {shlex.quote(str(self.output_dir))} {shlex.quote(repo_id)}"
                ) from error
            logger.info("published as %s", url)

    def draw_batch(self) -> Batch:
        """The next batch of the run, on the device."""
        return self.batches.next(self.args.train_batch_size)

    # ---- logging and validation ----------------------------------------------------------------------------------

    def _report(self, losses: dict[str, Tensor]) -> None:
        args, progress = self.args, self.progress
        values = {name: float(loss) for name, loss in losses.items()}
        if not all(math.isfinite(value) for value in values.values()):
            shown = ", ".join(f"{name} {value:g}" for name, value in values.items())
            raise FloatingPointError(f"a loss is not finite ({shown}); a lower --learning_rate can help")
        (then, step), now = self._clock, time.perf_counter()
        self._clock = (now, progress.step)
        values["lr"] = self.update.networks[0].learning_rate
        crops = (progress.step - step) * args.train_batch_size * args.gradient_accumulation_steps
        tracked = {
            "crops_per_second": crops * self.accelerator.num_processes / (now - then),
            "waiting_for_data": sum(pictures.waited for pictures in self._reservoirs) / (now - then),
            "skipped_records": self.decoder.skipped,
        }
        for pictures in self._reservoirs:
            pictures.waited = 0.0
        self._log.values(values, tracked)

    def _validate(self) -> None:
        if not self.validation:
            return
        result = validate(self._restore_averaged, self.validation, self.num_channels)
        # Weights from before the adversarial phase have a larger gain, but they are not the result of such a run.
        comparable = self.update.discriminator is None or self.update.position >= self.args.adversarial_start_step
        if comparable and self.args.export_best:
            self.best.offer(result.gain, self.averaged.model)
        self._log.scores(result)

    def _restore_averaged(self, pixel_values: Tensor) -> Tensor:
        with self.accelerator.autocast():
            restored: Tensor = self.averaged.model(pixel_values.to(self.accelerator.device)).reconstruction
        return restored

    # ---- state that differs between processes --------------------------------------------------------------------

    def _own_state(self) -> dict[str, Any]:
        return {"progress": self.progress.state_dict(), "batches": self.batches.state_dict()}

    def _load_own_state(self, state: dict[str, Any]) -> None:
        self.progress.load_state_dict(state["progress"])
        with self._log.filling_bar(sum(pictures.reservoir.capacity for pictures in self._reservoirs)) as bar:
            self.batches.load_state_dict(state["batches"], bar.update)
