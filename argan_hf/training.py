"""The adversarial loop: draw crops, degrade them, update D once, then G once; validate, checkpoint, resume, export."""

import json
import logging
import math
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim.swa_utils import AveragedModel
from tqdm.auto import tqdm
from transformers import AutoModelForImageToImage, PreTrainedModel, get_scheduler

from .configuration_argan import ArganDiscriminatorConfig
from .data import PictureDecoder, Reservoir, load_stream, stream_pictures
from .degradation import degrade
from .image_processing_argan import ArganImageProcessor
from .losses import charbonnier_loss, discriminator_loss, generator_loss
from .modeling_argan import ArganDiscriminator
from .training_arguments import ArganTrainingArguments
from .validation import validate

logger = logging.getLogger(__name__)

_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


class _Progress:
    """What a checkpoint holds besides weights and optimizers."""

    def __init__(self, seed: int) -> None:
        self.step = 0
        self.generator = torch.Generator().manual_seed(seed)

    def state_dict(self) -> dict[str, Any]:
        return {"step": self.step, "generator": self.generator.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.step = state["step"]
        self.generator.set_state(state["generator"])


class ArganTrainer:
    """Trains the generator of the paper against its discriminator.

    Args:
        args: every number of the run.

    Raises:
        ValueError: if the data set cannot be streamed or holds no usable picture, or a crop is too small for D.
        FileNotFoundError: if there is nothing to resume from.
    """

    def __init__(self, args: ArganTrainingArguments) -> None:
        self.args = args
        self.output_dir = Path(args.output_dir)
        self.output_dir.mkdir(parents=True, exist_ok=True)
        self.accelerator = Accelerator(
            mixed_precision=args.mixed_precision, log_with=args.report_to, project_dir=self.output_dir
        )
        set_seed(args.seed)
        self.settings = args.degradation
        self.num_channels = args.model_config.num_channels
        layout = torch.channels_last if args.channels_last else torch.contiguous_format
        networks = [network.to(memory_format=layout) for network in self._build_networks()]
        self.ema = AveragedModel(networks[0], multi_avg_fn=self._ema_update, use_buffers=True)
        self.ema.to(self.accelerator.device).eval()
        betas = (args.adam_beta1, args.adam_beta2)
        optimizers = [torch.optim.Adam(network.parameters(), args.learning_rate, betas) for network in networks]
        self.schedulers = [
            get_scheduler(args.lr_scheduler, optimizer, args.lr_warmup_steps, args.max_train_steps)
            for optimizer in optimizers
        ]
        self.optimizers = [self.accelerator.prepare(optimizer) for optimizer in optimizers]
        self.generator, *rest = (self.accelerator.prepare(network) for network in networks)
        self.discriminator = rest[0] if rest else None
        self.progress = _Progress(args.seed + self.accelerator.process_index)
        self.accelerator.register_for_checkpointing(self.ema, *self.schedulers, self.progress)
        if args.resume_from_checkpoint:
            self._resume(args.resume_from_checkpoint)
        self._fill_reservoir()

    def _build_networks(self) -> list[PreTrainedModel]:
        """The generator, and the discriminator if the run ever gets to it."""
        args, config = self.args, self.args.model_config
        if args.model_name_or_path:
            generator = AutoModelForImageToImage.from_pretrained(args.model_name_or_path, trust_remote_code=False)
        else:
            generator = AutoModelForImageToImage.from_config(config)
        if args.adversarial_start_step >= args.max_train_steps:
            return [generator]
        discriminator_config = ArganDiscriminatorConfig(num_channels=config.num_channels)
        if args.crop_size < discriminator_config.minimum_size:
            least = discriminator_config.minimum_size
            raise ValueError(f"crop_size must be at least {least} for the discriminator, found {args.crop_size}")
        return [generator, ArganDiscriminator(discriminator_config)]

    @torch.no_grad()
    def _ema_update(
        self,
        averaged: tuple[Tensor, ...] | list[Tensor],
        current: tuple[Tensor, ...] | list[Tensor],
        count: Tensor | int,
    ) -> None:
        # A rising decay forgets the random start: 2/11 after the first step, ema_decay in the long run.
        decay = min(self.args.ema_decay, (1 + int(count)) / (10 + int(count)))
        if averaged[0].is_floating_point():
            torch._foreach_lerp_(averaged, current, 1.0 - decay)
        else:
            torch._foreach_copy_(averaged, current)

    # ---- data ----------------------------------------------------------------------------------------------------

    def _fill_reservoir(self) -> None:
        args = self.args
        self.reservoir = Reservoir(args.reservoir_mib, args.slot_size, self.accelerator.device)
        self.validation: list[Tensor] = []
        stream = load_stream(
            args.dataset_name or "",
            config_name=args.dataset_config_name,
            split=args.dataset_split,
            data_files=args.data_files,
            image_column=args.image_column,
        )
        canvas_size = self.settings.canvas_size(args.crop_size)
        decoder = PictureDecoder(args.image_column, args.slot_size, canvas_size)
        pictures = stream_pictures(stream, decoder, num_workers=args.dataloader_num_workers)
        self._fresh: Iterator[Tensor] = iter(())
        bar = tqdm(total=self.reservoir.capacity, desc="filling the reservoir", unit="picture", disable=self._quiet)
        for held_out, picture in pictures:
            if held_out and len(self.validation) < args.validation_pictures:
                self.validation.append(picture)
            elif not held_out:
                self.reservoir.insert(picture)
                bar.update()
            if self.reservoir.full:
                repeated = stream_pictures(stream.repeat(None), decoder, num_workers=args.dataloader_num_workers)
                self._fresh = (picture for held_out, picture in repeated if not held_out)
                break
        bar.close()
        if not len(self.reservoir):
            raise ValueError(f"no picture of {args.dataset_name!r} is at least {canvas_size} pixels on both sides")

    @property
    def _quiet(self) -> bool:
        return not self.accelerator.is_main_process

    # ---- one step ------------------------------------------------------------------------------------------------

    def train(self) -> Path:
        """Run to `max_train_steps` and export.

        Returns:
            The folder with the exported model (the averaged weights), its processor and the discriminator.

        Raises:
            FloatingPointError: as soon as a logged loss is not finite; names the last checkpoint.
        """
        args, progress = self.args, self.progress
        if args.report_to:
            self.accelerator.init_trackers("argan")
        bar = tqdm(total=args.max_train_steps, initial=progress.step, unit="step", disable=self._quiet)
        while progress.step < args.max_train_steps:
            losses = self._step()
            progress.step += 1
            bar.update()
            if progress.step % args.logging_steps == 0:
                self._log(losses, bar)
            if progress.step % args.validation_steps == 0 and self.accelerator.is_main_process:
                self._validate(bar)
            if progress.step % args.checkpointing_steps == 0:
                self._save_checkpoint()
        bar.close()
        if self.accelerator.is_main_process:
            self._export()
        self.accelerator.end_training()
        return self.output_dir

    def _step(self) -> dict[str, Tensor]:
        args = self.args
        if self.progress.step % args.refresh_interval == 0 and (fresh := next(self._fresh, None)) is not None:
            self.reservoir.insert(fresh)
        generator, canvas_size = self.progress.generator, self.settings.canvas_size(args.crop_size)
        canvases = self.reservoir.sample(args.train_batch_size, canvas_size, generator)
        pairs = degrade(canvases, self.settings, generator, crop_size=args.crop_size, num_channels=self.num_channels)
        original, degraded = pairs.original / 255.0, pairs.degraded / 255.0
        output = self.generator(degraded, quantization=pairs.quantization, labels=original)
        restored, losses = output.reconstruction, {"l2": output.loss}
        if self.progress.step < args.l2_start_step:
            losses["charbonnier"] = charbonnier_loss(restored, original)
        if self.discriminator is not None and self.progress.step >= args.adversarial_start_step:
            real_logits = self.discriminator(original).logits
            fake_logits = self.discriminator(restored.detach()).logits
            losses["d"] = discriminator_loss(real_logits, fake_logits)
            self._update(self.discriminator, 1, losses["d"])
            losses |= {"d_real": real_logits.sigmoid().mean(), "d_fake": fake_logits.sigmoid().mean()}
            self.discriminator.requires_grad_(False)
            fake_logits = self.discriminator(restored).logits
            losses["g"] = generator_loss(fake_logits, restored, original, args.lambda_l2, saturating=args.saturating)
            self._update(self.generator, 0, losses["g"])
            self.discriminator.requires_grad_(True)
        else:
            self._update(self.generator, 0, losses.get("charbonnier", args.lambda_l2 * losses["l2"]))
        self.ema.update_parameters(self.accelerator.unwrap_model(self.generator))
        return losses

    def _update(self, model: torch.nn.Module, index: int, loss: Tensor) -> None:
        self.optimizers[index].zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        if self.args.max_grad_norm:
            self.accelerator.clip_grad_norm_(model.parameters(), self.args.max_grad_norm)
        self.optimizers[index].step()
        self.schedulers[index].step()

    def _log(self, losses: dict[str, Tensor], bar: "tqdm[Any]") -> None:
        values = {name: float(loss.detach()) for name, loss in losses.items()}
        if not all(math.isfinite(value) for value in values.values()):
            last = _latest_checkpoint(self.output_dir)
            raise FloatingPointError(f"step {self.progress.step}: {values} is not finite; last checkpoint: {last}")
        values["lr"] = self.schedulers[0].get_last_lr()[0]
        bar.set_postfix({name: f"{value:.3g}" for name, value in values.items()})
        if self.args.report_to:
            self.accelerator.log(values, step=self.progress.step)

    # ---- looking at it -------------------------------------------------------------------------------------------

    def _validate(self, bar: "tqdm[Any]") -> None:
        if not self.validation:
            return
        result = validate(self._restore, self.validation, self.num_channels)
        bar.write(f"step {self.progress.step}: " + ", ".join(f"{k} {v:.3f}" for k, v in result.scores.items()))
        with (self.output_dir / "validation.jsonl").open("a") as log:
            log.write(json.dumps({"step": self.progress.step, **result.scores}) + "\n")
        if self.args.report_to:
            self.accelerator.log(result.scores, step=self.progress.step)
        folder = self.output_dir / "samples"
        folder.mkdir(exist_ok=True)
        grid = result.samples.permute(1, 2, 0).squeeze(2).numpy()
        Image.fromarray(grid).save(folder / f"step-{self.progress.step}.png")

    def _restore(self, pixel_values: Tensor) -> Tensor:
        with self.accelerator.autocast():
            restored: Tensor = self.ema(pixel_values.to(self.accelerator.device)).reconstruction
        return restored

    # ---- keeping it ----------------------------------------------------------------------------------------------

    def _save_checkpoint(self) -> None:
        final = self.output_dir / f"checkpoint-{self.progress.step}"
        partial = final.with_suffix(".partial")
        self.accelerator.save_state(str(partial))
        if self.accelerator.is_main_process:
            shutil.rmtree(final, ignore_errors=True)
            partial.replace(final)
            for old in _checkpoints(self.output_dir)[: -self.args.checkpoints_total_limit]:
                shutil.rmtree(old)
        self.accelerator.wait_for_everyone()

    def _resume(self, name: str) -> None:
        folder = _latest_checkpoint(self.output_dir) if name == "latest" else Path(name)
        if folder is None or not folder.is_dir():
            raise FileNotFoundError(f"nothing to resume: {name!r} names no checkpoint folder in {self.output_dir}")
        self.accelerator.load_state(str(folder))
        logger.info("resumed from %s", folder)

    def _export(self) -> None:
        model: PreTrainedModel = self.ema.module
        model.save_pretrained(self.output_dir)
        if self.args.export_float16:
            _halve(self.output_dir / "model.safetensors")
        ArganImageProcessor(num_channels=model.config.num_channels).save_pretrained(self.output_dir)
        if self.discriminator is not None:
            self.accelerator.unwrap_model(self.discriminator).save_pretrained(self.output_dir / "discriminator")
        (self.output_dir / "training_args.json").write_text(json.dumps(asdict(self.args), indent=2) + "\n")


def _halve(path: Path) -> None:
    # Statistics of BatchNorm and biases stay exact: they are few, and variances can leave the range of 16 bits.
    weights = {name: w.half() if w.ndim > 1 else w for name, w in load_file(path).items()}
    save_file(weights, path, metadata={"format": "pt"})


def _checkpoints(folder: Path) -> list[Path]:
    found = [path for path in folder.glob("checkpoint-*") if _CHECKPOINT.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.split("-")[1]))


def _latest_checkpoint(folder: Path) -> Path | None:
    return next(reversed(_checkpoints(folder)), None)
