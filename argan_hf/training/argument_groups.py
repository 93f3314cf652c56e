"""The flags of `train.py` in named groups, as `--help` shows them; the defaults are the paper's where it states one.

All settings are declared here, except those of the degradation, which are in `degradation_settings.py`. `arguments.py`
combines the groups and checks the values.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar


def described(text: str) -> Any:
    """Metadata of a field: its text in `--help`, which also documents the field."""
    return {"help": text}


@dataclass
class DataArguments:
    """Which pictures are trained on, and how they are held on the device."""

    _argument_group_name: ClassVar[str] = "data"

    dataset_name: str = field(
        default="ernestchu/voc2012-image-only",
        metadata=described(
            "Hub id, local folder, a loader of `datasets` such as parquet together with --data_files, or 'generated' "
            "for pictures drawn by a program (for trying things out)."
        ),
    )
    dataset_config_name: str | None = field(default=None, metadata=described("Configuration of the data set."))
    dataset_split: str = field(default="train", metadata=described("Split of the data set."))
    data_files: list[str] | None = field(default=None, metadata=described("Files or patterns of the data set."))
    image_column: str = field(default="image", metadata=described("Column that holds the pictures."))
    dataloader_num_workers: int = field(default=2, metadata=described("Threads that decode pictures ahead."))
    reservoir_mib: int = field(default=768, metadata=described("Memory for decoded pictures on the device, in MiB."))
    slot_size: int = field(default=512, metadata=described("Longest side of a picture held; larger ones are cut."))
    picture_scales: list[float] = field(
        default_factory=lambda: [1.0],
        metadata=described(
            "Every picture is used once per factor, shrunk by it: shrunk pictures are sharper and show less of the "
            "artifacts of their own files."
        ),
    )
    refresh_interval: int = field(
        default=1, metadata=described("Batches after which a new picture replaces the oldest one held.")
    )
    graphics_share: float = field(
        default=0.0,
        metadata=described(
            "Share of crops that are cut from graphics drawn by a program (text, windows, charts, pixel art, …); they "
            "take this share of --reservoir_mib in addition."
        ),
    )
    graphics_grid_share: float = field(
        default=0.5,
        metadata=described(
            "Share of those crops that start where the JPEG file of the whole graphic has a corner of its blocks: "
            "edges of pixel art lie on that grid, and crops at any place show that once in 64 times."
        ),
    )
    caption_share: float = field(
        default=0.0, metadata=described("Share of photographs over which text is drawn, as over memes.")
    )


@dataclass
class NetworkArguments:
    """Generator (G) and discriminator (D)."""

    _argument_group_name: ClassVar[str] = "networks"

    model_type: str = field(default="argan", metadata=described("The network to train: argan, ar_cnn or d3."))
    model: str = field(
        default="{}", metadata=described("JSON fields of the network's configuration; empty: the paper's network.")
    )
    model_name_or_path: str | None = field(
        default=None,
        metadata=described(
            "Start from this checkpoint, with its weights and configuration (a name of this package, a folder or a "
            "Hub id). With larger depths in --model the network grows: the blocks that are added change nothing at "
            "first."
        ),
    )
    discriminator: str = field(
        default="{}", metadata=described("JSON fields of the discriminator's configuration; empty: the paper's.")
    )


@dataclass
class OptimizationArguments:
    """Batches, steps, optimizers, precision."""

    _argument_group_name: ClassVar[str] = "optimization"

    crop_size: int = field(default=64, metadata=described("Side of the training crops, in pixels."))
    train_batch_size: int = field(default=64, metadata=described("Crops per batch and process."))
    gradient_accumulation_steps: int = field(
        default=1, metadata=described("Batches per step; their gradients are averaged, at the memory of one batch.")
    )
    max_train_steps: int = field(
        default=1_500_000,
        metadata=described("Steps; each updates D once, then G once (before the adversarial phase G alone)."),
    )
    max_train_minutes: float = field(
        default=0.0,
        metadata=described(
            "End by the clock instead, export included. Numbers of steps (of phases, of the learning rate, between "
            "validations) then count as shares of max_train_steps, except logging_steps. 0: count steps."
        ),
    )
    optimizer: str = field(
        default="adam", metadata=described("adam, or muon: Muon for convolution kernels, Adam for everything else.")
    )
    learning_rate: float = field(default=2e-4, metadata=described("Learning rate."))
    discriminator_learning_rate: float | None = field(
        default=None, metadata=described("Learning rate of D; default: that of G.")
    )
    adam_beta1: float = field(default=0.5, metadata=described("Adam's beta1."))
    adam_beta2: float = field(default=0.999, metadata=described("Adam's beta2."))
    lr_scheduler: str = field(default="constant", metadata=described("A schedule of transformers, e.g. cosine."))
    lr_warmup_steps: int = field(
        default=0,
        metadata=described("Steps over which the learning rate rises from 0; the schedule constant ignores them."),
    )
    max_grad_norm: float = field(default=0.0, metadata=described("Gradients are clipped to this norm; 0: never."))
    ema_decay: float = field(
        default=0.999, metadata=described("Decay of the exponential moving average of the weights, which is exported.")
    )
    mixed_precision: str = field(default="no", metadata=described("no or bf16."))
    torch_compile: bool = field(
        default=False,
        metadata=described(
            "Compile networks, losses, degradation and Muon with torch.compile; takes minutes at first."
        ),
    )
    torch_compile_mode: str = field(
        default="default",
        metadata=described(
            "How both networks are compiled: default, reduce-overhead (CUDA graphs), max-autotune, or "
            "max-autotune-no-cudagraphs."
        ),
    )
    channels_last: bool = field(default=True, metadata=described("Use the channels_last memory layout."))
    seed: int = field(default=0, metadata=described("Seed of all random numbers."))


@dataclass
class LossArguments:
    """What G and D minimize, and from which step on."""

    _argument_group_name: ClassVar[str] = "losses"

    lambda_l2: float = field(default=1e3, metadata=described("Lambda of Eq. 3: weight of the squared error."))
    l2_start_step: int = field(
        default=0, metadata=described("Before this step the pixel loss is Charbonnier (weight 1) instead of L2.")
    )
    l2_balance: float = field(
        default=0.0,
        metadata=described(
            "The squared error of every crop is divided by that of its degraded input to this power. 0: Eq. 2; "
            "1: the same gain in dB counts the same for every crop."
        ),
    )
    adversarial_start_step: int = field(default=0, metadata=described("Before this step G is trained without D."))
    saturating: bool = field(default=True, metadata=described("log(1 - D) as printed in Eq. 3; false: -log D."))
    lambda_texture: float = field(
        default=0.0,
        metadata=described("Weight of the texture loss in the adversarial phase, which is not in the paper; 0: none."),
    )
    lambda_borders: float = field(
        default=0.0,
        metadata=described(
            "Weight of the squared error of the steps across block borders, beside a squared error of weight 1; it "
            "counts once L2 does. Not in the paper; 0: none."
        ),
    )
    teacher: str | None = field(
        default=None,
        metadata=described(
            "Learn from what this network makes of a crop, too (a name of this package, a folder or a Hub id)."
        ),
    )
    teacher_weight: float = field(
        default=0.9,
        metadata=described(
            "Share of the pixel loss that compares with the teacher; the rest compares with the original."
        ),
    )


@dataclass
class OutputArguments:
    """What a run logs, validates on, saves and exports."""

    _argument_group_name: ClassVar[str] = "output"

    output_dir: str = field(
        default="argan-output", metadata=described("Folder for weights, training checkpoints and samples.")
    )
    overwrite_output_dir: bool = field(
        default=False,
        metadata=described("Replace the run that the output folder holds; else a folder with a run is refused."),
    )
    logging_steps: int = field(default=50, metadata=described("Steps between log lines."))
    report_to: list[str] = field(
        default_factory=list, metadata=described("Trackers of accelerate: tensorboard, trackio, …")
    )
    validation_steps: int = field(default=2000, metadata=described("Steps between validations and sample grids."))
    validation_pictures: int = field(default=8, metadata=described("Held-out pictures to validate on."))
    validation_scale: float = field(
        default=1.0, metadata=described("Held-out pictures are shrunk by this factor before they are compressed.")
    )
    checkpointing_steps: int = field(default=2000, metadata=described("Steps between training checkpoints."))
    checkpoints_total_limit: int = field(
        default=2, metadata=described("Training checkpoints to keep; older ones are deleted.")
    )
    resume_from_checkpoint: str | None = field(
        default=None, metadata=described('Resume from this training checkpoint (a folder), or from the "latest".')
    )
    export_best: bool = field(
        default=True,
        metadata=described(
            "Export the averaged weights with the largest gain in validation; false: the last ones, for runs that "
            "trade gain for texture."
        ),
    )
    export_float16: bool = field(
        default=False, metadata=described("Store exported matrices in 16 bits: half the size; they load as 32 bits.")
    )


@dataclass
class HubArguments:
    """Publishing the result."""

    _argument_group_name: ClassVar[str] = "publishing on the Hub"

    push_to_hub: bool = field(default=False, metadata=described("Publish model, card and discriminator at the end."))
    hub_model_id: str | None = field(default=None, metadata=described("Repository; default: the output folder's name."))
    hub_private_repo: bool = field(default=False, metadata=described("Create the repository as a private one."))
