"""Publishes a checkpoint in one commit: network, code, processor, discriminator, handler, ONNX files and card.

All files are first collected in a folder, so that a dry run shows exactly what would be published. Weights are copied
and not saved again: some are stored in 16 bits and must stay equal byte for byte.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub.utils import validate_repo_id
from transformers import AutoModelForImageToImage, PreTrainedModel

from ..checkpoint_files import locate, weights_name
from ..defaults import REALISM_VARIANT
from ..evaluation.results import Results
from ..export import require_onnx
from ..image_processing_argan import ArganImageProcessor
from ..loading import load_model
from ..modeling_argan import ArganDiscriminator
from ..pipeline_argan import JpegRestorationPipeline
from .card import BEFORE_AFTER, TRAINING_ARGS, build_card
from .onnx_files import export_both
from .upload import upload

_RESULTS = "results.json"


def publish(
    folder: str | Path,
    repo_id: str,
    *,
    results: Sequence[Results] = (),
    onnx: bool = True,
    private: bool = False,
    tag: str | None = None,
    token: str | None = None,
) -> str:
    """Publish a checkpoint in one commit; the repository is created if it does not exist.

    Args:
        folder: exported by a training run, or the name of a checkpoint of this package.
        repo_id: "owner/name", or a name only, for the owner of the token.
        results: evaluations for the card; default: `results.json` of the folder.
        onnx: whether ONNX files are exported and published as well, which takes a minute.
        private, tag, token: as for [`upload`].

    Returns:
        The address of the commit.

    Raises:
        ImportError, ValueError: as [`stage`].
        ValueError, HfHubHTTPError: as [`upload`].
    """
    return upload(
        lambda full_id, staged: stage(folder, full_id, staged, results, onnx=onnx),
        repo_id,
        private=private,
        tag=tag,
        token=token,
    )


def stage(
    folder: str | Path, repo_id: str, target: Path, results: Sequence[Results] = (), *, onnx: bool = True
) -> None:
    """Write all files that would be published into a folder.

    Args:
        folder, repo_id, results, onnx: as in `publish`.
        target: an empty folder.

    Raises:
        ImportError: if ONNX files are asked for, and a library for them is missing.
        ValueError: if the folder holds no complete checkpoint (`DamagedCheckpointError` if one of its files is damaged
            or belongs to another network), the results are not those of the checkpoint, or an ONNX file differs from
            the network.
    """
    validate_repo_id(repo_id)
    if onnx:
        _require_onnx()
    source = Path(locate(folder))
    model = _load(AutoModelForImageToImage, source)
    processor = (
        ArganImageProcessor.from_pretrained(source)
        if (source / "preprocessor_config.json").is_file()
        else ArganImageProcessor(num_channels=model.config.num_channels)
    )
    JpegRestorationPipeline(model=model, image_processor=processor).save_pretrained(target)
    for variant in (None, REALISM_VARIANT):
        name = weights_name(variant)
        if (source / name).is_file():
            _load(AutoModelForImageToImage, source, variant)
            shutil.copyfile(source / name, target / name)
    if (source / "discriminator").is_dir():
        _load(ArganDiscriminator, source / "discriminator").save_pretrained(target / "discriminator")
        shutil.copyfile(source / "discriminator" / weights_name(), target / "discriminator" / weights_name())
    for name in (TRAINING_ARGS, BEFORE_AFTER):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    if not results and (source / _RESULTS).is_file():
        results = [Results.read(source / _RESULTS)]
    if model._auto_class is not None:
        shutil.copyfile(Path(__file__).with_name("endpoint_handler.py"), target / "handler.py")
    card = build_card(source, repo_id, results, onnx=onnx)
    if onnx:
        export_both(source, target / "onnx", "model", kind="told")
        export_both(source, target / "onnx", "model_rgb", kind="rgb")
    card.save(target / "README.md")


def _require_onnx() -> None:
    try:
        require_onnx()
    except ImportError as error:
        raise ImportError(f"{error}, or publish without ONNX files (--no-onnx)") from error


def _load(kind: type[PreTrainedModel], folder: Path, variant: str | None = None) -> PreTrainedModel:
    missing = [name for name in ("config.json", weights_name(variant)) if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} is no checkpoint, it lacks {' and '.join(missing)}: train.py exports such a folder")
    return load_model(folder, kind=kind, variant=variant)
