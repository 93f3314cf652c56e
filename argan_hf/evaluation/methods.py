"""The systems that an evaluation compares, by the names the command line uses.

- `jpeg`: the compressed picture, not restored.
- `sa-dct`: pointwise shape-adaptive DCT.
- `ar-cnn`, `d3`: networks of the literature, one per quality.
- Any other name: a checkpoint of this package, a local folder or a Hub id. Options can be appended to it: `+blind`
  (blind restoration: the network gets no quantization tables), `+faithful` (the result is held to the
  compressed picture), `+realism=0.5` (weights interpolated to this position between the two variants),
  `+quality=20` (the network gets the tables of this quality), `+history` (earlier saves of a file are looked for and
  undone; under a life only).
- `spandrel:PATH`: the network of others in a file of weights, see `JpegRestorer.from_spandrel`; `+faithful` and
  `+history` can be appended.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ..checkpoint_files import CHECKPOINTS
from ..containers.opening import load_pixels, open_image
from ..jpeg.color import as_pixels, is_neutral
from ..jpeg.consistency import hold_to_file
from ..jpeg.file import read_jpeg
from ..jpeg.file_blocks import FileBlocks
from ..jpeg.tables import quantization_tables
from ..loading import DamagedCheckpointError
from ..neutral import colored_blocks, left_neutral, neutral_blocks
from ..restoration import JpegRestorer
from ..spandrel_network import UnsupportedNetworkError

BLIND_OPTION, FAITHFUL_OPTION, HISTORY_OPTION = "+blind", "+faithful", "+history"
REALISM_OPTION, QUALITY_OPTION = "+realism=", "+quality="
_OPTION = re.compile(
    rf"(?P<base>.+)(?P<option>{'|'.join(map(re.escape, (BLIND_OPTION, FAITHFUL_OPTION, HISTORY_OPTION)))}"
    rf"|{re.escape(REALISM_OPTION)}[\d.]+|{re.escape(QUALITY_OPTION)}\d+)"
)
_SPANDREL = "spandrel:"
_PER_QUALITY = ("ar-cnn", "d3")


@dataclass(frozen=True)
class Method:
    """A system that is evaluated.

    Attributes:
        name: as given, with its options.
        restore: maps `(planes, tables, quality, blocks)`, uint8 (C, H, W), integers (C, 8, 8), 1..100 and what a
            result can be held to, `None` if that is not known, to restored planes, float32 (C, H, W), 0..255. Planes
            that the system does not restore are returned unchanged.
        macs_per_pixel: multiply-accumulates per pixel; `None` for systems that are no networks.
        open_and_restore: maps the bytes of a file to the restored picture; `None` for systems that know planes and
            tables only.
    """

    name: str
    restore: Callable[[Tensor, Tensor, int, FileBlocks | None], Tensor]
    macs_per_pixel: float | None = None
    open_and_restore: Callable[[bytes], Image.Image] | None = None

    def restore_file(self, data: bytes) -> Image.Image:
        """Restore a file as users have them.

        Args:
            data: its bytes.

        Returns:
            A picture of the same size.

        Raises:
            ValueError: if the system restores the planes of JPEG files only, and this is another file.
        """
        if self.open_and_restore is not None:
            return self.open_and_restore(data)
        image = open_image(data)
        if not isinstance(image, JpegImageFile):
            found = f"a {image.format} file, expected JPEG"
            raise ValueError(f"{self.name} restores the planes of JPEG files; at the end of the life is {found}")  # noqa: TRY004
        file = read_jpeg(image)
        blocks = FileBlocks.of_file(data, file.tables, file.sampling)
        pixels = as_pixels(self.restore(file.planes, file.tables, file.quality, blocks))
        return Image.fromarray(pixels.permute(1, 2, 0).squeeze(2).numpy())


def load_method(name: str, qualities: list[int], device: str | None = None) -> Method:
    """Load a method.

    Args:
        name: one of the names above, with options.
        qualities: of the JPEG files that it will restore; of `ar-cnn` and `d3`, the networks of all of these are
            loaded.
        device: where networks run; default: the first accelerator, else the CPU.

    Raises:
        ValueError: if there is no such method, no network for one of the qualities, or no variant for realism, or if
            options contradict each other.
        DamagedCheckpointError, UnsupportedNetworkError: if a checkpoint, or a file of weights, exists, but does not
            hold a whole network; they are ValueErrors, too.
        FileNotFoundError: if a folder or a repository of the Hub exists, but lacks one of the two files of a network,
            or there is no such file of weights.
        ImportError: if a library is missing that the method needs.
    """
    if name == "jpeg":
        return Method(name, lambda planes, tables, quality, blocks: planes.float(), 0.0, _decode)  # noqa: ARG005
    if name == "sa-dct":
        from ..baselines import sa_dct

        return Method(name, lambda planes, tables, quality, blocks: sa_dct.restore(planes, tables))  # noqa: ARG005
    if name in _PER_QUALITY:
        if not qualities:
            raise ValueError(f"{name} restores JPEG files only: give it a quality, or a life that ends with one")
        restorers = {quality: _load(f"{name}-q{quality}", device) for quality in qualities}
        cost = _macs_per_pixel(restorers[qualities[0]])

        def restore_at(planes: Tensor, tables: Tensor, quality: int, blocks: FileBlocks | None) -> Tensor:  # noqa: ARG001
            return _run(restorers[quality], planes, tables)

        return Method(name, restore_at, cost)
    return _load_checkpoint(name, device)


def _load_checkpoint(name: str, device: str | None) -> Method:
    base, options = split_name(name)
    blind, faithful, history = (option in options for option in (BLIND_OPTION, FAITHFUL_OPTION, HISTORY_OPTION))
    realism = float(_value(options, REALISM_OPTION) or 0.0)
    told = None if (digits := _value(options, QUALITY_OPTION)) is None else int(digits)
    if told is not None and not 1 <= told <= 100:
        raise ValueError(f"the quality of {name} must lie in 1..100, found {told}")
    if blind and (told is not None or history):
        raise ValueError(f"{name} contradicts itself: a network that is blind gets neither a quality nor earlier saves")
    restorer = _load(base, device)
    restorer.model_at(realism)

    def restore(planes: Tensor, tables: Tensor, quality: int, blocks: FileBlocks | None) -> Tensor:  # noqa: ARG001
        if history:
            raise ValueError(f"{name} looks for earlier saves, of which a picture saved once has none: use --life")
        given = tables if told is None else quantization_tables(told)[[0, 1, 1]]
        result = _run(restorer, planes, None if blind else given, realism=realism)
        if not faithful:
            return result
        if blocks is None:
            raise ValueError(f"{name} is held to a file whose coefficients cannot be read")
        return hold_to_file(result, blocks)[0]

    def open_and_restore(data: bytes) -> Image.Image:
        return restorer(data, told, realism=realism, faithful=faithful, history=history).image

    # A restorer is never blind to the tables of a JPEG file, so blind results are computed from its planes.
    return Method(name, restore, _macs_per_pixel(restorer), None if blind else open_and_restore)


def _value(options: tuple[str, ...], option: str) -> str | None:
    return next((found.removeprefix(option) for found in options if found.startswith(option)), None)


def _decode(data: bytes) -> Image.Image:
    image = open_image(data)
    load_pixels(image)
    return image


def split_name(name: str) -> tuple[str, tuple[str, ...]]:
    """The name of a method without its options, and the options, such as `("+blind", "+realism=0.5")`."""
    options: tuple[str, ...] = ()
    while found := _OPTION.fullmatch(name):
        name, options = found["base"], (found["option"], *options)
    return name, options


@cache
def _load(name: str, device: str | None) -> JpegRestorer:
    if name.startswith(_SPANDREL):
        return JpegRestorer.from_spandrel(name.removeprefix(_SPANDREL), device=device)
    try:
        return JpegRestorer.from_pretrained(name, device=device)
    # It is there, but not whole: a list of names would not help.
    except (DamagedCheckpointError, FileNotFoundError, UnsupportedNetworkError):
        raise
    except (OSError, ValueError) as error:
        shipped = sorted(path.name for path in CHECKPOINTS.glob("*") if path.is_dir())
        known = ", ".join(("jpeg", "sa-dct", *_PER_QUALITY, *shipped))
        raise ValueError(f"there is no method {name!r}: use one of {known}, a local folder or a Hub id") from error


def _run(
    restorer: JpegRestorer,
    planes: Tensor,
    given: Tensor | None,
    *,
    realism: float = 0.0,
) -> Tensor:
    """Restore planes with a network that gets the given tables."""
    # As in JpegRestorer: if a file with three planes is gray, only luma is restored, so that the result is gray, too;
    # and neutral parts of other files stay neutral.
    known = 1 if is_neutral(planes) else min(restorer.model.config.num_channels, planes.shape[0])
    result = planes.float()
    restored = restorer.restore_planes(result[:known], None if given is None else given[:known], realism=realism)
    neutral = neutral_blocks(colored_blocks(planes)) if known == 3 else None
    if neutral is not None:
        restored = left_neutral(restored, neutral, *(slice(0, size) for size in planes.shape[1:]))
    result[:known] = restored
    return result


def _macs_per_pixel(restorer: JpegRestorer) -> float:
    side = 256
    planes = torch.zeros(1, restorer.model.config.num_channels, side, side, device=restorer.device)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        restorer.model(planes)
    return float(counter.get_total_flops() / 2 / side**2)
