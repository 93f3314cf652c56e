"""The systems that an evaluation compares, by the names the command line uses.

- `jpeg`: the compressed picture, not restored.
- `sa-dct`: pointwise shape-adaptive DCT.
- `ar-cnn`, `d3`: networks of the literature, one per quality.
- Any other name: a checkpoint of this package, a local folder or a Hub id. Options can be appended to it: `+blind`
  (blind restoration: the network gets no quantization tables), `+faithful` (luma is projected onto the intervals of
  the compressed picture), `+realism=0.5` (weights interpolated to this position between the two variants).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ..jpeg.color import is_neutral
from ..jpeg.consistency import project_onto_file
from ..restoration import JpegRestorer
from ..variants import CHECKPOINTS

BLIND_OPTION, FAITHFUL_OPTION, REALISM_OPTION = "+blind", "+faithful", "+realism="
_OPTION = re.compile(
    rf"(?P<base>.+)(?P<option>{re.escape(BLIND_OPTION)}|{re.escape(FAITHFUL_OPTION)}"
    rf"|{re.escape(REALISM_OPTION)}[\d.]+)"
)
_PER_QUALITY = ("ar-cnn", "d3")


@dataclass(frozen=True)
class Method:
    """A system that is evaluated.

    Attributes:
        name: as given, with its options.
        restore: maps `(planes, tables, quality)`, uint8 (C, H, W), integers (C, 8, 8) and 1..100, to restored planes,
            float32 (C, H, W), 0..255. Planes that the system does not restore are returned unchanged.
        macs_per_pixel: multiply-accumulates per pixel; `None` for systems that are no networks.
    """

    name: str
    restore: Callable[[Tensor, Tensor, int], Tensor]
    macs_per_pixel: float | None = None


def load_method(name: str, qualities: list[int], device: str | None = None) -> Method:
    """Load a method.

    Args:
        name: one of the names above, with options.
        qualities: at which it will be used; of `ar-cnn` and `d3`, the networks of all of these are loaded.
        device: where networks run; default: the first accelerator, else the CPU.

    Raises:
        ValueError: if there is no such method, no network for one of the qualities, or no variant for realism.
        ImportError: if a library is missing that the method needs.
    """
    if name == "jpeg":
        return Method(name, lambda planes, tables, quality: planes.float(), 0.0)  # noqa: ARG005
    if name == "sa-dct":
        from ..baselines import sa_dct

        return Method(name, lambda planes, tables, quality: sa_dct.restore(planes, tables))  # noqa: ARG005
    if name in _PER_QUALITY:
        restorers = {quality: _load(f"{name}-q{quality}", device) for quality in qualities}
        cost = _macs_per_pixel(restorers[qualities[0]])
        return Method(name, lambda planes, tables, quality: _run(restorers[quality], planes, tables), cost)
    base, options = split_name(name)
    restorer = _load(base, device)
    realism = next(
        (float(option.removeprefix(REALISM_OPTION)) for option in options if option.startswith(REALISM_OPTION)), 0.0
    )
    restorer.model_at(realism)

    def restore(planes: Tensor, tables: Tensor, quality: int) -> Tensor:  # noqa: ARG001
        blind, faithful = BLIND_OPTION in options, FAITHFUL_OPTION in options
        return _run(restorer, planes, tables, realism=realism, blind=blind, faithful=faithful)

    return Method(name, restore, _macs_per_pixel(restorer))


def split_name(name: str) -> tuple[str, tuple[str, ...]]:
    """The name of a method without its options, and the options, such as `("+blind", "+realism=0.5")`."""
    options: tuple[str, ...] = ()
    while found := _OPTION.fullmatch(name):
        name, options = found["base"], (found["option"], *options)
    return name, options


@cache
def _load(name: str, device: str | None) -> JpegRestorer:
    try:
        return JpegRestorer.from_pretrained(name, device=device)
    except (OSError, ValueError) as error:
        shipped = sorted(path.name for path in CHECKPOINTS.glob("*") if path.is_dir())
        known = ", ".join(("jpeg", "sa-dct", *_PER_QUALITY, *shipped))
        raise ValueError(f"there is no method {name!r}: use one of {known}, a local folder or a Hub id") from error


def _run(
    restorer: JpegRestorer,
    planes: Tensor,
    tables: Tensor,
    *,
    realism: float = 0.0,
    blind: bool = False,
    faithful: bool = False,
) -> Tensor:
    # As in JpegRestorer: if a file with three planes is gray, only luma is restored, so that the result is gray, too.
    known = 1 if is_neutral(planes) else min(restorer.model.config.num_channels, planes.shape[0])
    result = planes.float()
    restored = restorer.restore_planes(result[:known], None if blind else tables[:known], realism=realism)
    if faithful:
        restored, _ = project_onto_file(restored, planes, tables[0])
    result[:known] = restored
    return result


def _macs_per_pixel(restorer: JpegRestorer) -> float:
    side = 256
    planes = torch.zeros(1, restorer.model.config.num_channels, side, side, device=restorer.device)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        restorer.model(planes)
    return float(counter.get_total_flops() / 2 / side**2)
