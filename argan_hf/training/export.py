"""What a run exports: a folder that `from_pretrained` loads, scores on held-out pictures, and a sheet of examples."""

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import PreTrainedModel

from ..evaluation.methods import load_method
from ..evaluation.protocol import Protocol, evaluate
from ..evaluation.report import write_contact_sheet
from ..evaluation.results import Results
from ..image_processing_argan import ArganImageProcessor
from ..pipeline_argan import JpegRestorationPipeline
from .arguments import ArganTrainingArguments
from .validation import QUALITIES


def export_model(
    folder: Path,
    model: PreTrainedModel,
    discriminator: PreTrainedModel | None,
    args: ArganTrainingArguments,
    *,
    global_step: int,
) -> None:
    """Write the generator with its image processor, the discriminator if there is one, and the arguments of the run.

    `global_step`, the steps that were taken, is written with the arguments: a run that ends by the clock takes another
    number than `max_train_steps`.
    """
    save_restorer(folder, model, float16=args.export_float16)
    if discriminator is not None:
        discriminator.save_pretrained(folder / "discriminator")
    facts = dataclasses.asdict(args) | {"global_step": global_step}
    (folder / "training_args.json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")


def save_restorer(folder: Path, model: PreTrainedModel, *, float16: bool = False) -> None:
    """Write a network with its image processor and pipeline, and the code that loads them without this package.

    Args:
        folder: made if it does not exist.
        model: on any device.
        float16: store matrices in 16 bits, see [`store_as_float16`].
    """
    processor = ArganImageProcessor(num_channels=model.config.num_channels)
    JpegRestorationPipeline(model=model, image_processor=processor, device=model.device).save_pretrained(folder)
    if float16:
        store_as_float16(folder / "model.safetensors")


def store_as_float16(path: Path) -> None:
    """Rewrite a safetensors file with its matrices and kernels in float16; `from_pretrained` loads them as float32.

    Biases and the statistics of BatchNorm keep 32 bits: they are few, and variances can exceed the range of float16. A
    matrix that exceeds it keeps 32 bits, too.
    """
    weights = {
        name: half if w.ndim > 1 and (half := w.half()).isfinite().all() else w for name, w in load_file(path).items()
    }
    save_file(weights, path, metadata={"format": "pt"})


@contextmanager
def as_files(pictures: Sequence[Tensor]) -> Iterator[list[Path]]:
    """Pictures, RGB, uint8 (3, H, W), as PNG files, which an evaluation reads; they are deleted afterwards."""
    with TemporaryDirectory() as name:
        paths = [Path(name) / f"{index}.png" for index in range(len(pictures))]
        for path, picture in zip(paths, pictures, strict=True):
            Image.fromarray(picture.permute(1, 2, 0).numpy()).save(path)
        yield paths


def report_held_out(folder: Path, pictures: Sequence[Tensor], name: str, data: str, device: str) -> None:
    """Measure an exported network on held-out pictures; writes `results.json` and `before_after.png` into its folder.

    Args:
        folder: from [`export_model`].
        pictures: RGB, uint8 (3, H, W).
        name: of the network in the results.
        data: name of the pictures in the results.
        device: where the network runs.
    """
    qualities = list(QUALITIES)
    restored = dataclasses.replace(load_method(str(folder), qualities, device), name=name)
    methods = [load_method("jpeg", qualities), restored]
    with as_files(pictures) as paths:
        num_channels = json.loads((folder / "config.json").read_text(encoding="utf-8"))["num_channels"]
        protocol: Protocol = "rgb" if num_channels == 3 else "luma"
        scores = evaluate(methods, paths, qualities, protocol=protocol)
        Results(data, protocol, tuple(scores)).write(folder / "results.json")
        write_contact_sheet(folder / "before_after.png", methods, paths, qualities[0], protocol)
