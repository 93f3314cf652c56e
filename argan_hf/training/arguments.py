"""The settings of a training run in one object: the groups of flags combined, and their values checked."""

import json
import math
from dataclasses import dataclass, fields
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, PreTrainedConfig

from ..configuration_argan import ArganDiscriminatorConfig
from ..loading import load_config
from .argument_groups import (
    DataArguments,
    HubArguments,
    LossArguments,
    NetworkArguments,
    OptimizationArguments,
    OutputArguments,
)
from .degradation_settings import DegradationSettings

MODEL_TYPES = ("argan", "ar_cnn", "d3")

_COMPILE_MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")

ARGUMENT_GROUPS = (
    DataArguments,
    DegradationSettings,
    NetworkArguments,
    OptimizationArguments,
    LossArguments,
    OutputArguments,
    HubArguments,
)
"""The groups of `train.py --help`, in its order."""

_COUNTS = (
    "train_batch_size",
    "gradient_accumulation_steps",
    "max_train_steps",
    "refresh_interval",
    "logging_steps",
    "validation_steps",
    "checkpointing_steps",
    "checkpoints_total_limit",
    "reservoir_mib",
    "dataloader_num_workers",
)


_NOT_NEGATIVE = (
    "lambda_borders",
    "lambda_texture",
    "learning_rate",
    "lr_warmup_steps",
    "max_grad_norm",
    "max_train_minutes",
    "seed",
    "validation_pictures",
)


@dataclass
class ArganTrainingArguments(
    HubArguments,
    OutputArguments,
    LossArguments,
    OptimizationArguments,
    NetworkArguments,
    DegradationSettings,
    DataArguments,
):
    """Arguments of [`ArganTrainer`]; a recipe is a YAML file with these names. The groups document every field.

    Raises:
        ValueError: if a value is out of range; the message names the field and the valid values.
    """

    def __post_init__(self) -> None:
        degradation = self.degradation  # checked when it is made
        self.discriminator_config  # noqa: B018  (raises for invalid JSON of either network)
        if self.overwrite_output_dir and self.resume_from_checkpoint:
            raise ValueError(
                "--overwrite_output_dir begins a new run, --resume_from_checkpoint goes on with another: omit one"
            )
        if self.optimizer not in ("adam", "muon"):
            raise ValueError(f"optimizer must be adam or muon, found {self.optimizer!r}")
        if self.mixed_precision not in ("no", "bf16"):
            raise ValueError(f"mixed_precision must be no or bf16, found {self.mixed_precision!r}")
        if self.torch_compile_mode not in _COMPILE_MODES:
            modes = ", ".join(_COMPILE_MODES)
            raise ValueError(f"torch_compile_mode must be one of {modes}, found {self.torch_compile_mode!r}")
        for name in ("graphics_share", "graphics_grid_share", "caption_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in 0..1, found {getattr(self, name)}")
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.adversarial_start_step < min(self.l2_start_step, self.max_train_steps):
            raise ValueError(
                f"adversarial_start_step {self.adversarial_start_step} comes before l2_start_step "
                f"{self.l2_start_step}: Eq. 3 has an L2 term"
            )
        if not self.picture_scales or not all(0 < scale <= 1 for scale in self.picture_scales):
            raise ValueError(f"picture_scales must be factors in 0..1, found {self.picture_scales}")
        if not 0 < self.validation_scale <= 1:
            raise ValueError(f"validation_scale must be a factor in 0..1, found {self.validation_scale}")
        if not 0 <= self.l2_balance <= 1:
            raise ValueError(f"l2_balance must lie in 0..1, found {self.l2_balance}")
        if not 0 <= self.teacher_weight <= 1:
            raise ValueError(f"teacher_weight must lie in 0..1, found {self.teacher_weight}")
        for one in fields(self):
            if isinstance(value := getattr(self, one.name), float) and not math.isfinite(value):
                raise ValueError(f"{one.name} must be a finite number, found {value}")
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be 0 or more, found {getattr(self, name)}")
        if not 0 <= self.ema_decay < 1:
            raise ValueError(f"ema_decay must be at least 0 and below 1, found {self.ema_decay}")
        if self.lambda_borders and self.crop_size < 9:
            raise ValueError(f"crop_size must be at least 9 with lambda_borders, found {self.crop_size}")
        canvas_size = degradation.canvas_size(self.crop_size)
        if canvas_size > self.slot_size:
            raise ValueError(f"crop_size {self.crop_size} exceeds slot_size {self.slot_size}: no picture would hold it")

    @property
    def model_config(self) -> PreTrainedConfig:
        """Configuration of the generator; raises an OSError or a ValueError if its checkpoint has none."""
        if self.model_name_or_path:
            known = load_config(self.model_name_or_path)
            known_fields = {name: value for name, value in known.to_diff_dict().items() if name != "model_type"}
            return _from_json("model", self.model, known.model_type, known_fields)
        if self.model_type not in MODEL_TYPES:
            raise ValueError(f"model_type must be one of {', '.join(MODEL_TYPES)}, found {self.model_type!r}")
        return _from_json("model", self.model, self.model_type)

    @property
    def discriminator_config(self) -> PreTrainedConfig:
        """Configuration of the discriminator, for as many planes as the generator restores."""
        planes = {"num_channels": self.model_config.num_channels}
        return _from_json("discriminator", self.discriminator, ArganDiscriminatorConfig.model_type, planes)

    @property
    def degradation(self) -> DegradationSettings:
        """The settings of the degradation alone."""
        return DegradationSettings(**{f.name: getattr(self, f.name) for f in fields(DegradationSettings)})


def _from_json(name: str, text: str, model_type: str, fields: dict[str, Any] | None = None) -> PreTrainedConfig:
    try:
        return AutoConfig.for_model(model_type, **(fields or {}) | json.loads(text))
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise ValueError(f"{name} must be JSON such as '{{\"num_channels\": 1}}', found {text}: {error}") from error
