"""How much a trained network needs around a tile, measured on held-out pictures when it is exported."""

from collections.abc import Sequence
from functools import partial

from torch import Tensor
from transformers import PreTrainedModel

from ..jpeg.codec import compress_ycbcr
from ..jpeg.color import rgb_to_ycbcr
from ..jpeg.tables import quantization_tables
from ..tiling import influence_margin, receptive_margin

# Smooth ground with coarse blocks shows most.
_QUALITIES = (5, 20)
_MOST_PICTURES = 4


def tile_margin(model: PreTrainedModel, pictures: Sequence[Tensor]) -> int | None:
    """What `tile_margin` in the configuration of a network should be, see [`influence_margin`].

    Args:
        model: in evaluation mode, on any device.
        pictures: RGB, uint8 (3, H, W); the first few that are large enough are used.

    Returns:
        The margin in pixels, one size divisor more than was needed for these pictures; `None` if all are too small, or
        the network depends on the whole picture.
    """
    planes, divisor = model.config.num_channels, model.config.size_divisor

    def network(pixel_values: Tensor, quantization: Tensor | None = None) -> Tensor:
        given: Tensor = model(pixel_values.to(model.device), quantization=quantization).reconstruction
        return given.float().cpu()

    try:
        limit = receptive_margin(network, planes, divisor)
    except ValueError:
        return None
    used = [picture for picture in pictures if min(picture.shape[1:]) >= 2 * limit][:_MOST_PICTURES]
    margins = []
    for quality in _QUALITIES:
        tables = quantization_tables(quality)[[0, 1, 1]]
        seen = [
            compress_ycbcr(rgb_to_ycbcr(picture[None]), tables[:2], "4:2:0")[0, :planes] / 255.0 for picture in used
        ]
        quantization = tables[None, :planes].to(model.device)
        margins.append(influence_margin(partial(network, quantization=quantization), seen, divisor, limit))
    found = [margin for margin in margins if margin is not None]
    return min(max(found) + divisor, limit) if found else None
