"""The transformers pipeline `jpeg-restoration`: `pipeline("jpeg-restoration", model=…)("photo.jpg")`.

This file is published on the Hub as remote code. It may import only Pillow, torch, transformers and the other published
files (`*_argan.py`).
"""

import io
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import Pipeline
from transformers.image_utils import load_image


class JpegRestorationPipeline(Pipeline):
    """Restores a picture given as path, URL, bytes or Pillow image.

    Returns a Pillow image of mode "L" for a gray picture, else "RGB". Planes that the model does not restore are not
    changed. `JpegRestorer` of the package `argan_hf` also keeps metadata, alpha and orientation.
    """

    _load_image_processor = True
    _load_tokenizer = False
    _load_feature_extractor = False
    _load_processor = False

    def _sanitize_parameters(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        if kwargs:
            raise ValueError(f"jpeg-restoration takes no parameters, found {', '.join(sorted(kwargs))}")
        return {}, {}, {}

    def preprocess(self, image: str | Path | bytes | Image.Image) -> dict[str, Any]:
        if isinstance(image, bytes):
            picture: Image.Image = Image.open(io.BytesIO(image))
        elif isinstance(image, Image.Image):
            picture = image
        else:
            picture = Image.open(image) if Path(image).is_file() else load_image(str(image))
        inputs = self.image_processor(images=picture, return_tensors="pt")
        return {"inputs": inputs, "picture": picture if picture.mode == "L" else picture.convert("YCbCr")}

    def _forward(self, model_inputs: dict[str, Any]) -> dict[str, Any]:
        with torch.inference_mode():
            return {"outputs": self.model(**model_inputs["inputs"]), "picture": model_inputs["picture"]}

    def postprocess(self, model_outputs: dict[str, Any]) -> Image.Image:
        (planes,) = self.image_processor.post_process_image_restoration(model_outputs["outputs"])
        restored = [Image.fromarray(plane.cpu().numpy()) for plane in planes]
        source = model_outputs["picture"]
        if source.mode == "L":
            return restored[0]
        return Image.merge("YCbCr", [*restored, *source.split()[len(restored) :]]).convert("RGB")


__all__ = ["JpegRestorationPipeline"]
