"""Publishes a checkpoint for the unchanged pipeline "image-to-image" of transformers.js, in a repository of its own.

The pipeline accepts one type of network, Swin2SR, and asks nothing of it but an ONNX file that takes `pixel_values`
and gives `reconstruction`. So the configuration has that name, and the file is a network of this package from RGB to
RGB. A repository of its own keeps the configuration that Python needs as it is.
"""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData
from huggingface_hub.utils import validate_repo_id

from ..checkpoint_files import locate
from .onnx_files import export_both
from .template import fill
from .upload import upload

_TEMPLATE = Path(__file__).parent / "transformers_js_card.md"
_ENDING = "-ONNX"
_CONFIG = {
    "model_type": "swin2sr",
    "architectures": ["Swin2SRForImageSuperResolution"],
    "upscale": 1,
    # In browsers the default is a file of 8 bits, which there is none of.
    "transformers.js_config": {"dtype": "fp32"},
}
# The network takes any size, and its picture shall have the size of the input: nothing is padded.
_PREPROCESSOR_CONFIG = {
    "image_processor_type": "Swin2SRImageProcessor",
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": False,
    "do_pad": False,
}


def publish_transformers_js(
    folder: str | Path, repo_id: str, *, private: bool = False, tag: str | None = None, token: str | None = None
) -> str:
    """Publish a checkpoint for transformers.js in one commit.

    Args:
        folder: a folder with a checkpoint, or the name of a checkpoint of this package.
        repo_id, private, tag, token: as for [`upload`]. The usual name ends in "-ONNX"; what stands before it is then
            stated as the repository of the checkpoint.

    Returns:
        The address of the commit.

    Raises:
        ImportError, OSError, ValueError: as [`stage_transformers_js`].
        ValueError, HfHubHTTPError: as [`upload`].
    """
    return upload(
        lambda full_id, staged: stage_transformers_js(folder, full_id, staged),
        repo_id,
        private=private,
        tag=tag,
        token=token,
    )


def stage_transformers_js(folder: str | Path, repo_id: str, target: Path) -> None:
    """Write all files that would be published into a folder.

    Args:
        folder, repo_id: as in `publish_transformers_js`.
        target: an empty folder.

    Raises:
        ImportError: if a library for ONNX is missing.
        OSError: if there is no such checkpoint.
        ValueError: if the checkpoint does not hold a whole network, or its export differs from it.
    """
    validate_repo_id(repo_id)
    export_both(locate(folder), target / "onnx", "model", kind="rgb")
    _write_json(target / "config.json", _CONFIG)
    _write_json(target / "preprocessor_config.json", _PREPROCESSOR_CONFIG)
    # Without an owner, which a dry run does not ask for, it would be no repository.
    is_named_so = repo_id.endswith(_ENDING) and "/" in repo_id
    base_model = repo_id.removesuffix(_ENDING) if is_named_so else None
    data = ModelCardData(
        license="apache-2.0",
        library_name="transformers.js",
        pipeline_tag="image-to-image",
        base_model=base_model,
        tags=["image-restoration", "jpeg-artifact-removal"],
    )
    text = fill(
        _TEMPLATE,
        front_matter=data.to_yaml(),
        name=repo_id.split("/")[-1],
        repo_id=repo_id,
        base_model=base_model,
    )
    (target / "README.md").write_text(text, encoding="utf-8")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
