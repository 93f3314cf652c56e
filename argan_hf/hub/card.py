"""Builds the model card of a checkpoint: what it is, how to use it, and its scores.

The text is in the template `model_card.md`. Every number is read from the configuration, the weights, the arguments of
the training run or the files of an evaluation, so that a card states only what was measured.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from transformers import AutoModelForImageToImage

from ..checkpoint_files import weights_name
from ..defaults import REALISM_VARIANT
from ..evaluation.methods import BLIND_OPTION, FAITHFUL_OPTION, QUALITY_OPTION, REALISM_OPTION, split_name
from ..evaluation.report import markdown_table
from ..evaluation.results import Results
from ..evaluation.scores import MeanScore, mean_scores
from ..loading import load_config
from .template import fill

BEFORE_AFTER = "before_after.png"
TRAINING_ARGS = "training_args.json"
TRAINING_DATA = "training_data.md"

_TEMPLATE = Path(__file__).parent / "model_card.md"
_TASK = "image-to-image"
_INPUT = "jpeg"
_METRICS = (
    ("psnr", "psnr", "PSNR", 3),
    ("ssim", "ssim_gaussian", "SSIM (Gaussian window)", 4),
    ("psnr_b", "psnr_b", "PSNR-B", 3),
)
_TRAINING_FACTS = (
    ("global_step", "steps"),
    ("train_batch_size", "crops per step and process"),
    ("crop_size", "side of a crop, in pixels"),
    ("min_quality", "lowest JPEG quality"),
    ("max_quality", "highest JPEG quality"),
)


def build_card(folder: Path, repo_id: str, results: Sequence[Results], *, onnx: bool = False) -> ModelCard:
    """Write the card of a checkpoint.

    Args:
        folder: holds `config.json` and optionally `training_args.json`, `training_data.md` (the training data and their
            licenses; included without changes), `before_after.png` and `discriminator/`.
        repo_id: where it will be published.
        results: evaluations of this checkpoint, each with rows of the method `jpeg`, the input. The rows of the
            checkpoint are those whose method is `repo_id` or a path that ends in the name of the folder.
        onnx: whether ONNX files are published beside it.

    Raises:
        ValueError: if results lack the rows of the checkpoint or of its input, or are of lives, or the template lacks a
            placeholder.
        OSError: if the folder holds no configuration.
        DamagedCheckpointError: if it holds one that describes no network; it is a ValueError, too.
    """
    folder = folder.resolve()
    name = repo_id.split("/")[-1]
    config = load_config(folder)
    with torch.device("meta"):
        model = AutoModelForImageToImage.from_config(config)
    arguments = _training_arguments(folder)
    if "max_train_steps" in arguments:
        arguments.setdefault("global_step", arguments["max_train_steps"])  # runs of older versions
    measured = [(result, _own_means(result, folder, repo_id)) for result in results]
    data = ModelCardData(
        model_name=name,
        license="apache-2.0",
        library_name="transformers",
        pipeline_tag=_TASK,
        tags=["image-restoration", "jpeg-artifact-removal", config.model_type],
        datasets=_hub_dataset(arguments),
        metrics=["psnr", "ssim"],
        eval_results=[entry for result, means in measured for entry in _eval_results(result, means, name)] or None,
    )
    text = fill(
        _TEMPLATE,
        front_matter=data.to_yaml(),
        name=name,
        repo_id=repo_id,
        config=config,
        travels=type(model)._auto_class is not None,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        discriminator=(folder / "discriminator").is_dir(),
        realism=(folder / weights_name(REALISM_VARIANT)).is_file(),
        onnx=onnx,
        before_after=BEFORE_AFTER if (folder / BEFORE_AFTER).is_file() else None,
        evaluations=[
            {
                "data": result.data,
                "protocol": result.protocol,
                "pictures": len({score.picture for score in result.scores}),
                "table": markdown_table(means),
            }
            for result, means in measured
        ],
        projected=any(FAITHFUL_OPTION in mean.method for _, means in measured for mean in means),
        arguments=arguments,
        training_facts=[(label, arguments[key]) for key, label in _TRAINING_FACTS if key in arguments],
        dataset=_named(arguments.get("dataset_name")),
        teacher=_named(arguments.get("teacher")),
        training_data=_text(folder / TRAINING_DATA),
    )
    return ModelCard(text)


def _own_means(results: Results, folder: Path, repo_id: str) -> list[MeanScore]:
    """The rows of the table; those of the checkpoint get the name that it will have on the Hub."""
    if any(score.life is not None for score in results.scores):
        raise ValueError(
            f"the results on {results.data} are of lives, and a card states qualities: leave this file out, and "
            "evaluate with --qualities for the card"
        )
    names = {score.method for score in results.scores}
    own = {method for method in names if _is_own(method, folder, repo_id)}
    if not own or _INPUT not in names:
        lacking = f"{folder.name!r}" if not own else f"{_INPUT!r}, its input"
        found = ", ".join(sorted(names))
        raise ValueError(
            f"the results on {results.data} have rows of {found} and none of {lacking}; evaluate with both"
        )
    name = repo_id.split("/")[-1]
    return [
        replace(mean, method=name + "".join(split_name(mean.method)[1])) if mean.method in own else mean
        for mean in mean_scores(results.scores)
    ]


def _is_own(method: str, folder: Path, repo_id: str) -> bool:
    base, _ = split_name(method)
    return base == repo_id or Path(base).name == folder.name


def _eval_results(results: Results, means: Sequence[MeanScore], name: str) -> list[EvalResult]:
    return [
        EvalResult(
            task_type=_TASK,
            task_name="JPEG artifact removal",
            dataset_type=results.data.lower(),
            dataset_name=f"{results.data} ({results.protocol} protocol)",
            dataset_config=results.protocol,
            metric_type=metric,
            metric_name=f"{title} at quality {mean.quality}{_in_words(mean.method)}",
            metric_value=round(getattr(mean, attribute), digits),
            metric_args={"quality": mean.quality},
        )
        for mean in means
        if split_name(mean.method)[0] == name
        for metric, attribute, title, digits in _METRICS
    ]


def _in_words(method: str) -> str:
    """The options of a method, for the names of metrics."""
    words = {
        BLIND_OPTION: ", blind (without quantization tables)",
        FAITHFUL_OPTION: ", projected onto the file",
        REALISM_OPTION: ", realism ",
        QUALITY_OPTION: ", with the tables of quality ",
    }
    found = [re.fullmatch(r"(\+\w+=?)(.*)", option) for option in split_name(method)[1]]
    return "".join(words[part[1]] + part[2] for part in found if part)


def _training_arguments(folder: Path) -> dict[str, Any]:
    text = _text(folder / TRAINING_ARGS)
    return dict(json.loads(text)) if text else {}


def _named(name: str | None) -> str | None:
    """A data set or a network; of a local path only the last part, because the rest means nothing to others."""
    return name and (Path(name).name if Path(name).exists() else name)


def _hub_dataset(arguments: dict[str, Any]) -> list[str] | None:
    name = _named(arguments.get("dataset_name"))
    return [name] if name and re.fullmatch(r"[\w.-]+/[\w.-]+", name) else None


def _text(path: Path) -> str | None:
    return path.read_text(encoding="utf-8").strip() if path.is_file() else None
