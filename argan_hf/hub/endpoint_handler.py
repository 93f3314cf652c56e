"""What an inference endpoint of the Hub calls: `argan publish` copies this file to `handler.py` of a repository.

Where the package `argan_hf` is installed, it restores: in tiles, in bounded memory, held to the file. Elsewhere the
pipeline whose code is in the repository does, so that an endpoint with transformers alone works, too.
"""

import base64
import binascii
import io
import math
from collections.abc import Callable
from typing import Any

from PIL import Image, UnidentifiedImageError

try:
    from argan_hf import JpegRestorer
except ImportError:
    JpegRestorer = None  # type: ignore[assignment, misc]

_NUMBERS = ("quality", "strength", "realism")
_SWITCHES = ("faithful", "history")
_INPUTS = "the bytes of a picture's file, as the body or as base64 text"


class EndpointHandler:
    """Restores the picture of a request.

    Args:
        path: the folder of the repository.
    """

    def __init__(self, path: str = "") -> None:
        if JpegRestorer is not None:
            self._restore = _with_package(path)
        else:
            self._restore = _with_pipeline(path)

    def __call__(self, data: dict[str, Any]) -> Image.Image:
        """Restore one picture.

        Args:
            data: `inputs` is the picture: the bytes of a file, base64 text of them, or a Pillow picture. `parameters`
                are `quality`, `strength`, `realism`, `faithful` and `history` of `JpegRestorer`. The pipeline takes
                none.

        Returns:
            The restored picture, which the server encodes: mode "L", "LA", "RGB" or "RGBA". The pipeline drops alpha.

        Raises:
            ValueError: if the picture is refused, or a parameter is unknown or out of range.
            TypeError: if `inputs` or `parameters` are something else. The server sends the sentence back.
        """
        parameters = data.get("parameters") or {}
        if not isinstance(parameters, dict):
            raise TypeError(f"parameters must be names with values, found {type(parameters).__name__}")
        return self._restore(_picture_of(data.get("inputs")), parameters)


def _with_package(path: str) -> Callable[[bytes | Image.Image, dict[str, Any]], Image.Image]:
    restorer = JpegRestorer.from_pretrained(path)

    def restore(picture: bytes | Image.Image, parameters: dict[str, Any]) -> Image.Image:
        result = restorer(picture, **_checked(parameters))
        if result.image.mode != "CMYK":
            return result.image
        # Servers write PNG files, which hold no CMYK.
        return Image.open(io.BytesIO(result.encode(".png")[0]))

    return restore


def _with_pipeline(path: str) -> Callable[[bytes | Image.Image, dict[str, Any]], Image.Image]:
    from transformers import pipeline

    pipe = pipeline("jpeg-restoration", model=path, trust_remote_code=True)

    def restore(picture: bytes | Image.Image, parameters: dict[str, Any]) -> Image.Image:
        if parameters:
            raise ValueError(
                f"this endpoint takes no parameters, found {', '.join(sorted(parameters))}: install the package "
                "argan_hf in it, which does"
            )
        try:
            restored: Image.Image = pipe(picture)
        except UnidentifiedImageError as error:
            raise ValueError(f"inputs is no picture that can be read: send {_INPUTS}") from error
        return restored

    return restore


def _picture_of(inputs: Any) -> bytes | Image.Image:
    """The picture of a request, as the bytes of its file where they are still there.

    Raises:
        ValueError: if it is text that is no base64. Text is never taken for a path or an address: the server would
            read its own files for strangers.
        TypeError: if it is something else.
    """
    if isinstance(inputs, str):
        text = inputs.partition(",")[2] if inputs.startswith("data:") else inputs
        try:
            # Programs break lines of base64.
            return base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError(f"inputs is text that is no base64: send {_INPUTS}") from error
    if isinstance(inputs, bytes | bytearray | memoryview):
        return bytes(inputs)
    if not isinstance(inputs, Image.Image):
        found = "nothing" if inputs is None else type(inputs).__name__
        raise TypeError(f"inputs must be one picture, found {found}: send {_INPUTS}")
    file = getattr(inputs, "fp", None)
    if file is None:
        return inputs
    # It was opened, and not decoded yet: only the file has the tables of a JPEG.
    file.seek(0)
    return bytes(file.read())


def _checked(parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters with the types that a restorer expects; those in the address of a request can be text.

    Raises:
        ValueError: if one is unknown, or is no number or no switch.
    """
    checked: dict[str, Any] = {}
    for name, value in parameters.items():
        if name in _NUMBERS:
            try:
                number = float("nan" if isinstance(value, bool) else value)
            except (OverflowError, TypeError, ValueError):
                number = float("nan")
            if not math.isfinite(number) or (name == "quality" and number % 1):
                expected = "a whole number from 1 to 100" if name == "quality" else "a number from 0 to 1"
                raise ValueError(f"{name} must be {expected}, found {_shown(value)}")
            checked[name] = int(number) if name == "quality" else number
        elif name in _SWITCHES:
            if not isinstance(value, bool):
                raise ValueError(f"{name} must be true or false, found {_shown(value)}")
            checked[name] = value
        else:
            raise ValueError(f"there is no parameter {str(name)[:40]}: expected {', '.join(_NUMBERS + _SWITCHES)}")
    return checked


def _shown(value: Any) -> str:
    """A value of a request, as much of it as a sentence bears."""
    is_long = isinstance(value, int) and abs(value) >= 10**9  # Python refuses to print the longest ones.
    return "a number of many digits" if is_long else repr(value)[:40]
