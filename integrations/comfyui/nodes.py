"""The two nodes: one restores images, the other files, which say more than images do."""

import hashlib
from pathlib import Path
from typing import Any

import folder_paths
import torch
from torch import Tensor

from argan_hf.defaults import DEFAULT_CHECKPOINT

from .restorers import progress_of, restorer_of
from .tensors import arrays_of, image_and_mask, samples_of

_SHARE = {"min": 0.0, "max": 1.0, "step": 0.05, "round": 0.001}
_STRENGTH = {"default": 1.0, **_SHARE, "tooltip": "0: no change. 1: fully restored."}
_REALISM = {
    "default": 0.0,
    **_SHARE,
    "tooltip": "0: least error, smooth where detail is lost. 1: texture, which can be false.",
}
_HISTORY = {"default": True, "tooltip": "Look for earlier JPEG saves in the pixels, and undo the later ones."}
_FAITHFUL = {"default": True, "tooltip": "Keep to what the JPEG file states."}
_MODEL = {
    "default": DEFAULT_CHECKPOINT,
    "tooltip": "Name of a checkpoint of argan_hf, a folder, a Hub id, or a file of weights.",
}


class RestoreImage:
    """Restores the images of a batch, one by one."""

    DESCRIPTION = "Removes JPEG artifacts from images. Earlier JPEG saves are found in the pixels."
    CATEGORY = "image/postprocessing"
    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "restore"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        return {
            "required": {
                "image": ("IMAGE",),
                "strength": ("FLOAT", _STRENGTH),
                "realism": ("FLOAT", _REALISM),
                "history": ("BOOLEAN", _HISTORY),
            },
            "optional": {"model": ("STRING", _MODEL)},
        }

    def restore(
        self, image: Tensor, strength: float, realism: float, history: bool, model: str = DEFAULT_CHECKPOINT
    ) -> tuple[Tensor]:
        """Restore a batch.

        Args:
            image: floating point (B, H, W, C), 0..1, C from 1 to 4, on any device; alpha is kept. Images whose samples
                all lie on the grid of 8 bits are restored as such, others with 16 bits.
            strength, realism, history: as for `JpegRestorer`.
            model: name of a checkpoint of `argan_hf`, a folder, a Hub id, or a file of weights of another network.

        Returns:
            The restored batch: same shape, dtype and device.

        Raises:
            ValueError: if the tensor is no IMAGE, a value is out of range, or the model has no realism.
            OSError: if there is no such model.
        """
        arrays, restorer = arrays_of(image), restorer_of(model)
        progress = progress_of(len(arrays))
        restored = torch.empty(image.shape, dtype=image.dtype, device=image.device)
        for number, array in enumerate(arrays):
            result = restorer(array, None, strength, realism=realism, history=history, progress=progress(number))
            restored[number] = samples_of(result).to(restored)
        return (restored,)


class LoadAndRestoreImage:
    """Loads a file of ComfyUI's input folder and restores it, with all that a JPEG file says about itself."""

    DESCRIPTION = (
        "Loads a file and removes its JPEG artifacts. It sees the quantization tables and planes of the file, which an "
        "image does not have any more."
    )
    CATEGORY = "image"
    RETURN_TYPES = ("IMAGE", "MASK")
    FUNCTION = "restore"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802
        folder = Path(folder_paths.get_input_directory())
        files = [path.name for path in folder.iterdir() if path.is_file()]
        return {
            "required": {
                "image": (sorted(folder_paths.filter_files_content_types(files, ["image"])), {"image_upload": True}),
                "strength": ("FLOAT", _STRENGTH),
                "realism": ("FLOAT", _REALISM),
                "faithful": ("BOOLEAN", _FAITHFUL),
                "history": ("BOOLEAN", _HISTORY),
            },
            "optional": {"model": ("STRING", _MODEL)},
        }

    def restore(
        self,
        image: str,
        strength: float,
        realism: float,
        faithful: bool,
        history: bool,
        model: str = DEFAULT_CHECKPOINT,
    ) -> tuple[Tensor, Tensor]:
        """Restore a file.

        Args:
            image: name of the file, as "Load Image" names files.
            strength, realism, faithful, history: as for `JpegRestorer`.
            model: name of a checkpoint of `argan_hf`, a folder, a Hub id, or a file of weights of another network.

        Returns:
            IMAGE and MASK, see [`image_and_mask`], upright.

        Raises:
            ValueError: if the file is refused (`UnreadableImageError`), a value is out of range, or the model has no
                realism.
            OSError: if there is no such model.
        """
        path = Path(folder_paths.get_annotated_filepath(image))
        result = restorer_of(model)(
            path, None, strength, realism=realism, faithful=faithful, history=history, progress=progress_of(1)(0)
        )
        return image_and_mask(result)

    @classmethod
    def IS_CHANGED(cls, image: str, **others: Any) -> str:  # noqa: ARG003, N802
        """What differs if the file has changed under its name; ComfyUI passes all inputs."""
        return hashlib.sha256(Path(folder_paths.get_annotated_filepath(image)).read_bytes()).hexdigest()

    @classmethod
    def VALIDATE_INPUTS(cls, image: str) -> bool | str:  # noqa: N802
        """Whether the file is there, or a sentence. ComfyUI checks by itself the inputs that are not named here."""
        if folder_paths.exists_annotated_filepath(image):
            return True
        return f"there is no file {image} in the input folder of ComfyUI: upload it, or choose another"


NODE_CLASS_MAPPINGS = {"ArganRestoreImage": RestoreImage, "ArganLoadAndRestoreImage": LoadAndRestoreImage}
NODE_DISPLAY_NAME_MAPPINGS = {
    "ArganRestoreImage": "Restore JPEG (ARGAN)",
    "ArganLoadAndRestoreImage": "Load and Restore JPEG (ARGAN)",
}
