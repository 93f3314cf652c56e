"""The networks of this package for spandrel, through which chaiNNer, ComfyUI and others open files of weights.

    import argan_hf.spandrel  # registers the architecture
    restorer = spandrel.ModelLoader().load_from_file("model.safetensors")

All that is needed to build a network is read from the names and shapes of its weights. It is blind: such programs have
RGB, not the quantization tables of the file.

It is written as spandrel's own architectures are. There, `rgb_network.py` and `network_argan.py` go to the folder
`__arch` beside it, only the lines of the imports change, and the last statement moves to the registry.
"""

import itertools
import math

from spandrel import MAIN_REGISTRY, Architecture, ArchSupport, ImageModelDescriptor, SizeRequirements, StateDict
from spandrel.util import KeyCondition, get_seq_len
from typing_extensions import override

from .network_argan import NetworkConfig
from .rgb_network import RgbNetwork

# No weight shows this slope; every network of the paper's kind has it.
_NEGATIVE_SLOPE = 0.2


class ArganArch(Architecture[RgbNetwork]):
    """Detects the generators of this package by the names of their weights, and loads them."""

    def __init__(self) -> None:
        super().__init__(
            id="ARGAN",
            detect=KeyCondition.has_all(
                "unet.head.weight",
                "unet.head.bias",
                KeyCondition.has_any(
                    KeyCondition.has_all("unet.stem.weight", "unet.stem.bias"),
                    "unet.encoder.0.0.weight",
                ),
            ),
        )

    @override
    def load(self, state_dict: StateDict) -> ImageModelDescriptor[RgbNetwork]:
        """Build the network of some weights.

        Args:
            state_dict: of a generator; 16 and 32 bits per number.

        Returns:
            A network of scale 1 with 3 channels in and out: RGB, 0..1.
        """
        config = _residual(state_dict) if "unet.stem.weight" in state_dict else _plain(state_dict)
        return ImageModelDescriptor(
            RgbNetwork(config),
            state_dict,
            architecture=self,
            purpose="Restoration",
            tags=[config.block_type, f"{config.hidden_sizes[0]}nf", f"{config.num_channels} planes"],
            supports_half=True,
            supports_bfloat16=True,
            scale=1,
            input_channels=3,
            output_channels=3,
            size_requirements=SizeRequirements(multiple_of=config.size_divisor),
        )


def _residual(weights: StateDict) -> NetworkConfig:
    levels = get_seq_len(weights, "unet.down") + 1  # A level of the encoder can be without blocks.
    # Every plane of a patch is a channel: 1 * P * P or 3 * P * P of them, of which at most one is a square.
    folded = int(weights["unet.head.weight"].shape[0])
    num_channels = 1 if math.isqrt(folded) ** 2 == folded else 3
    embedding = weights.get("unet.embedding.proj_in.weight")
    return NetworkConfig(
        num_channels=num_channels,
        block_type="residual",
        hidden_sizes=_widths(weights, levels),
        depths=[get_seq_len(weights, f"unet.encoder.{level}") for level in range(levels)],
        patch_size=math.isqrt(folded // num_channels),
        condition_on_quantization=embedding is not None,
        conditioning_size=1 if embedding is None else int(embedding.shape[0]),
        negative_slope=_NEGATIVE_SLOPE,
    )


def _widths(weights: StateDict, levels: int) -> list[int]:
    """Channels of every level, finest first: those of the stem, then those that each step down gives."""
    steps = (weights[f"unet.down.{level}.weight"] for level in range(levels - 1))
    return [int(weight.shape[0]) for weight in itertools.chain([weights["unet.stem.weight"]], steps)]


def _plain(weights: StateDict) -> NetworkConfig:
    levels = get_seq_len(weights, "unet.encoder")
    layers = [weights[f"unet.encoder.{level}.0.weight"] for level in range(levels)]
    return NetworkConfig(
        num_channels=int(layers[0].shape[1]),
        block_type="plain",
        hidden_sizes=[int(layer.shape[0]) for layer in layers],
        depths=[],
        patch_size=1,
        condition_on_quantization=False,
        conditioning_size=1,
        negative_slope=_NEGATIVE_SLOPE,
    )


MAIN_REGISTRY.add(ArchSupport.from_architecture(ArganArch()), ignore_duplicates=True)

__all__ = ["ArganArch"]
