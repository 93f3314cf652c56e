"""Every number of a training run; the defaults are the paper's where it states one."""

import json
from dataclasses import dataclass, field, fields
from typing import Any

from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig, PreTrainedConfig

from ..configuration_argan import ArganDiscriminatorConfig
from ..variants import locate
from .degradation import DegradationSettings

MODEL_TYPES = ("argan", "ar_cnn", "d3")

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


def _help(text: str) -> Any:
    return {"help": text}


@dataclass
class ArganTrainingArguments:
    """Arguments of `train.py`; a recipe is a YAML file with these names.

    Raises:
        ValueError: on a number that cannot work, naming it and what it should be.
    """

    dataset_name: str = field(
        default="ernestchu/voc2012-image-only",
        metadata=_help("Hub id, local folder, or a loader of `datasets` such as parquet together with --data_files."),
    )
    dataset_config_name: str | None = field(default=None, metadata=_help("Configuration of the data set."))
    dataset_split: str = field(default="train", metadata=_help("Split of the data set."))
    data_files: list[str] | None = field(default=None, metadata=_help("Files or patterns of the data set."))
    image_column: str = field(default="image", metadata=_help("Column that holds the pictures."))
    dataloader_num_workers: int = field(default=2, metadata=_help("Threads that decode pictures ahead."))
    reservoir_mib: int = field(default=768, metadata=_help("Memory for decoded pictures on the device, in MiB."))
    slot_size: int = field(default=512, metadata=_help("Longest side of a picture held; larger ones are cut."))
    picture_scales: list[float] = field(
        default_factory=lambda: [1.0],
        metadata=_help("Every picture is seen at these scales; below 1 it is sharper, and cleaner than its own file."),
    )
    refresh_interval: int = field(default=1, metadata=_help("Batches after which a new picture replaces the oldest."))

    output_dir: str = field(default="argan-output", metadata=_help("Where weights, checkpoints and samples go."))
    seed: int = field(default=0, metadata=_help("Seed of everything random."))
    model: str = field(
        default="{}", metadata=_help("JSON fields of the network's configuration; empty: the paper's network.")
    )
    model_type: str = field(default="argan", metadata=_help("The network: argan, ar_cnn or d3."))

    discriminator: str = field(
        default="{}", metadata=_help("JSON fields of the discriminator's configuration; empty: the paper's.")
    )
    model_name_or_path: str | None = field(
        default=None,
        metadata=_help(
            "Start from these weights (a shipped checkpoint, folder or Hub id); the configuration is theirs."
        ),
    )

    crop_size: int = field(default=64, metadata=_help("Side of the training crops, in pixels."))
    train_batch_size: int = field(default=64, metadata=_help("Crops per batch and process."))
    gradient_accumulation_steps: int = field(
        default=1, metadata=_help("Batches per step; their gradients are meaned, with the memory of one.")
    )
    max_train_steps: int = field(default=1_500_000, metadata=_help("Steps; one updates D once, then G once."))
    optimizer: str = field(
        default="adam", metadata=_help("adam, or muon: Muon for convolution kernels, Adam for everything else.")
    )
    learning_rate: float = field(default=2e-4, metadata=_help("Learning rate."))
    discriminator_learning_rate: float | None = field(default=None, metadata=_help("That of D; default: G's."))
    adam_beta1: float = field(default=0.5, metadata=_help("Adam's beta1."))
    adam_beta2: float = field(default=0.999, metadata=_help("Adam's beta2."))
    lr_scheduler: str = field(default="constant", metadata=_help("A schedule of transformers, e.g. cosine."))
    lr_warmup_steps: int = field(default=0, metadata=_help("Steps over which the learning rate rises."))
    max_grad_norm: float = field(default=0.0, metadata=_help("Gradients are clipped to this norm; 0: never."))
    ema_decay: float = field(default=0.999, metadata=_help("Decay of the averaged weights, which are exported."))

    lambda_l2: float = field(default=1e3, metadata=_help("Lambda of Eq. 3: weight of the squared error."))
    l2_start_step: int = field(
        default=0, metadata=_help("Before this step the pixel loss is Charbonnier (weight 1) instead of L2.")
    )
    l2_balance: float = field(
        default=0.0,
        metadata=_help(
            "Squared errors are divided by those of the input to this power. 0: as in Eq. 2; "
            "1: the gain in dB of every crop counts alike."
        ),
    )
    lambda_texture: float = field(
        default=0.0,
        metadata=_help("In the adversarial phase, weight of how strong fine texture is; not in the paper."),
    )
    adversarial_start_step: int = field(default=0, metadata=_help("Before this step G learns from L2 alone."))
    saturating: bool = field(default=True, metadata=_help("log(1 - D) as printed in Eq. 3; false: -log D."))

    min_quality: int = field(default=10, metadata=_help("Lowest JPEG quality."))
    max_quality: int = field(default=40, metadata=_help("Highest JPEG quality."))
    quality_skew: float = field(default=1.0, metadata=_help("1: uniform qualities; more: rather low ones."))
    studio_swing_share: float = field(default=0.5, metadata=_help("Share of gray crops with luma 16..235."))
    gray_share: float = field(default=0.0, metadata=_help("Share of gray crops when three planes are restored."))
    share_420: float = field(default=0.6, metadata=_help("Share of color crops with 4:2:0 chroma."))
    share_422: float = field(default=0.1, metadata=_help("Share with 4:2:2 chroma; the rest is 4:4:4."))
    offset_share: float = field(
        default=0.0, metadata=_help("Share of crops off the JPEG grid; their tables are never told.")
    )
    earlier_share: float = field(default=0.0, metadata=_help("Share of crops that were compressed once before."))
    resize_share: float = field(default=0.0, metadata=_help("Share of those that were resized in between."))
    min_scale: float = field(default=0.75, metadata=_help("Smallest factor of that resizing."))
    max_scale: float = field(default=1.5, metadata=_help("Largest factor of that resizing."))
    custom_table_share: float = field(default=0.0, metadata=_help("Share of crops with tables of no quality number."))
    unknown_table_share: float = field(default=0.0, metadata=_help("Share of the others whose tables are not told."))
    clean_share: float = field(default=0.0, metadata=_help("Share of crops that were never compressed."))

    mixed_precision: str = field(default="no", metadata=_help("no or bf16."))
    torch_compile: bool = field(default=False, metadata=_help("Compile both networks with torch.compile."))
    channels_last: bool = field(default=True, metadata=_help("Keep channels innermost in memory."))

    logging_steps: int = field(default=50, metadata=_help("Steps between log lines."))
    validation_steps: int = field(default=2000, metadata=_help("Steps between validations and sample grids."))
    validation_pictures: int = field(default=8, metadata=_help("Held-out pictures to validate on."))
    validation_scale: float = field(
        default=1.0, metadata=_help("Held-out pictures are shrunk by this factor before they are compressed.")
    )
    checkpointing_steps: int = field(default=2000, metadata=_help("Steps between checkpoints."))
    checkpoints_total_limit: int = field(default=2, metadata=_help("Checkpoints kept."))
    resume_from_checkpoint: str | None = field(default=None, metadata=_help('A checkpoint folder, or "latest".'))
    export_best: bool = field(
        default=True,
        metadata=_help("Export the averaged weights with the largest gain; false: the last (texture costs gain)."),
    )
    export_float16: bool = field(
        default=False, metadata=_help("Store exported weights in 16 bits: half the size; they load as 32 bits.")
    )
    report_to: list[str] = field(
        default_factory=list, metadata=_help("Trackers of accelerate: tensorboard, trackio, …")
    )
    push_to_hub: bool = field(default=False, metadata=_help("Publish model, card and discriminator at the end."))
    hub_model_id: str | None = field(default=None, metadata=_help("Repository; default: the output folder's name."))
    hub_private_repo: bool = field(default=False, metadata=_help("Create the repository as a private one."))

    def __post_init__(self) -> None:
        self.discriminator_config  # noqa: B018  (raises what is wrong with the JSON, of both networks)
        if self.optimizer not in ("adam", "muon"):
            raise ValueError(f"optimizer must be adam or muon, found {self.optimizer!r}")
        if self.mixed_precision not in ("no", "bf16"):
            raise ValueError(f"mixed_precision must be no or bf16, found {self.mixed_precision!r}")
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
        canvas_size = self.degradation.canvas_size(self.crop_size)
        if canvas_size > self.slot_size:
            raise ValueError(f"crop_size {self.crop_size} exceeds slot_size {self.slot_size}: no picture would hold it")

    @property
    def model_config(self) -> PreTrainedConfig:
        """The network to train."""
        if self.model_name_or_path:
            return AutoConfig.from_pretrained(locate(self.model_name_or_path), trust_remote_code=False)
        if self.model_type not in MODEL_TYPES:
            raise ValueError(f"model_type must be one of {', '.join(MODEL_TYPES)}, found {self.model_type!r}")
        return _from_json("model", self.model, self.model_type)

    @property
    def discriminator_config(self) -> PreTrainedConfig:
        """Its rival, for as many planes."""
        planes = {"num_channels": self.model_config.num_channels}
        return _from_json("discriminator", self.discriminator, ArganDiscriminatorConfig.model_type, planes)

    @property
    def degradation(self) -> DegradationSettings:
        """What is drawn for every crop."""
        return DegradationSettings(**{f.name: getattr(self, f.name) for f in fields(DegradationSettings)})


def _from_json(name: str, text: str, model_type: str, fields: dict[str, Any] | None = None) -> PreTrainedConfig:
    try:
        return AutoConfig.for_model(model_type, **(fields or {}) | json.loads(text))
    except (TypeError, ValueError, StrictDataclassError) as error:
        raise ValueError(f"{name} must be JSON such as '{{\"num_channels\": 1}}', found {text}: {error}") from error
