"""The networks of the ARGAN generator as plain modules of PyTorch, without anything of transformers.

`modeling_argan.py` makes models of transformers from them. A command that restores one picture runs them as they are:
importing transformers takes longer than the picture.

This file is published on the Hub as remote code. It may import only torch and the other published files
(`*_argan.py`).
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

LARGEST_TILE_MARGIN = 4096
"""In pixels. A network that needs more sees the whole picture, and cannot be run in tiles."""


@dataclass(frozen=True)
class NetworkConfig:
    """What a network is built from: the entries of [`ArganConfig`] of these names, which says what they mean."""

    num_channels: int
    block_type: str
    hidden_sizes: Sequence[int]
    depths: Sequence[int]
    patch_size: int
    condition_on_quantization: bool
    conditioning_size: int
    negative_slope: float
    tile_margin: int | None = None

    @property
    def size_divisor(self) -> int:
        """As [`ArganConfig.size_divisor`]."""
        return size_divisor(self)


def _pad_to_multiple(pixel_values: Tensor, divisor: int) -> Tensor:
    """Pad (B, C, H, W) at the bottom and right to multiples of `divisor` by repeating the border."""
    height, width = pixel_values.shape[-2:]
    pad = (0, -width % divisor, 0, -height % divisor)
    return F.pad(pixel_values, pad, mode="replicate") if any(pad) else pixel_values


class ArganPlainUNet(nn.Module):
    """The paper's generator: a U-Net of strided and transposed convolutions with concatenated skip connections.

    Encoder layer: 4x4 convolution of stride 2, BatchNorm (not in the first), LeakyReLU. Decoder layer: 4x4 transposed
    convolution of stride 2, BatchNorm, ReLU; the last layer is linear. The network is blind: it ignores quantization
    tables.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        widths = list(config.hidden_sizes)
        self.encoder = nn.ModuleList()
        for level, width in enumerate(widths):
            incoming = widths[level - 1] if level else config.num_channels
            self.encoder.append(encoder_layer(incoming, width, config.negative_slope, normalize=level > 0))
        self.decoder = nn.ModuleList()
        for level in reversed(range(1, len(widths))):
            incoming = widths[level] if level == len(widths) - 1 else 2 * widths[level]
            self.decoder.append(
                nn.Sequential(
                    nn.ConvTranspose2d(incoming, widths[level - 1], 4, stride=2, padding=1, bias=False),
                    nn.BatchNorm2d(widths[level - 1]),
                    nn.ReLU(inplace=True),
                )
            )
        incoming = widths[0] if len(widths) == 1 else 2 * widths[0]
        self.head = nn.ConvTranspose2d(incoming, config.num_channels, 4, stride=2, padding=1)

    def forward(self, pixel_values: Tensor, quantization: Tensor | None = None) -> Tensor:  # noqa: ARG002  (blind)
        hidden, skips = pixel_values.to(self.head.weight.dtype), []
        for layer in self.encoder:
            hidden = layer(hidden)
            skips.append(hidden)
        skips.pop()
        for layer in self.decoder:
            hidden = torch.cat((layer(hidden), skips.pop()), dim=1)
        restored: Tensor = self.head(hidden)
        return restored.to(pixel_values.dtype)


def encoder_layer(incoming: int, width: int, negative_slope: float, *, normalize: bool) -> nn.Sequential:
    """A strided convolution, BatchNorm if it is wanted, and a LeakyReLU; halves height and width."""
    convolution = nn.Conv2d(incoming, width, 4, stride=2, padding=1, bias=not normalize)
    activation = nn.LeakyReLU(negative_slope, inplace=True)
    return nn.Sequential(convolution, *([nn.BatchNorm2d(width)] if normalize else []), activation)


class ArganZeroConv2d(nn.Conv2d):
    """A convolution whose weights are initialized to zero."""


class ArganZeroLinear(nn.Linear):
    """A linear layer whose weights are initialized to zero."""


class ArganResidualBlock(nn.Module):
    """3x3 convolution, ReLU, 3x3 convolution, added to the input; before training it is the identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = ArganZeroConv2d(width, width, 3, padding=1)

    def forward(self, hidden: Tensor) -> Tensor:
        residual: Tensor = self.conv2(F.relu(self.conv1(hidden), inplace=True))
        return hidden + residual


class ArganQuantizationEmbedding(nn.Module):
    """Maps quantization tables to biases of feature maps: one per channel, for every level of encoder and decoder.

    A table of zeros means that it is unknown. Before training, all biases are zero.

    Args:
        config: of the network.
        widths: channels of every feature map that gets biases.
    """

    def __init__(self, config: NetworkConfig, widths: list[int]) -> None:
        super().__init__()
        self.widths = widths
        self.num_channels = config.num_channels
        self.proj_in = nn.Linear(config.num_channels * 65, config.conditioning_size)
        self.proj_out = ArganZeroLinear(config.conditioning_size, sum(widths))

    def forward(self, quantization: Tensor) -> list[Tensor]:
        """Biases (B, width, 1, 1), one tensor for each of `widths`, of tables (B, C, 8, 8)."""
        # 1. Features of each table: its logarithms, 0..1 for steps 1..256, and a flag that says whether it is known.
        tables = quantization.flatten(2).to(self.proj_in.weight.dtype)  # (B, C, 64)
        known = (tables > 0).all(dim=2, keepdim=True).to(tables.dtype)  # (B, C, 1)
        features = torch.cat((tables.clamp(min=1.0).log2() / 8.0 * known, known), dim=2)  # (B, C, 65)
        # 2. A perceptron of one hidden layer.
        biases = self.proj_out(F.silu(self.proj_in(features.flatten(1))))  # (B, sum(widths))
        return [bias[:, :, None, None] for bias in biases.split(self.widths, dim=1)]


class ArganResidualUNet(nn.Module):
    """Residual U-Net with added skip connections and a global skip from input to output.

    Before training it is the identity. Nothing in it depends on the rest of the batch or on distant pixels, so a tile
    with enough margin gives the same values as the whole picture.
    """

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        widths, depths = list(config.hidden_sizes), list(config.depths)
        folded = config.num_channels * config.patch_size**2
        self.num_channels = config.num_channels
        self.patch_size = config.patch_size
        self.widths = tuple(widths)
        self.stem = nn.Conv2d(folded, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList(_residual_stage(w, d) for w, d in zip(widths, depths, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in itertools.pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in itertools.pairwise(widths))
        self.decoder = nn.ModuleList(_residual_stage(w, d) for w, d in zip(widths[:-1], depths[:-1], strict=True))
        self.head = ArganZeroConv2d(widths[0], folded, 3, padding=1)
        self.embedding = (
            ArganQuantizationEmbedding(config, widths + widths[-2::-1]) if config.condition_on_quantization else None
        )

    def forward(self, pixel_values: Tensor, quantization: Tensor | None = None) -> Tensor:
        """Restored planes (B, C, H, W) of planes of that shape; H and W are multiples of the size divisor.

        In the comments, P is the patch size. The feature maps of level n are (B, w, H / h, W / h) with h = P * 2 ** n.
        """
        # 1. Biases from the quantization tables, (B, w, 1, 1) each: encoder levels finest first, then decoder levels
        #    coarsest first. Unknown tables are zeros.
        biases: list[Tensor | float] = [0.0] * (2 * len(self.encoder) - 1)
        if self.embedding is not None:
            if quantization is None:
                quantization = pixel_values.new_zeros(pixel_values.shape[0], self.num_channels, 8, 8)
            biases = self.embedding(quantization)
        # 2. Patches folded into channels. Samples are centered on 0, where bfloat16 has smaller rounding errors.
        folded = F.pixel_unshuffle(pixel_values - 0.5, self.patch_size).to(self.stem.weight.dtype)
        hidden = self.stem(folded) + biases[0]  # (B, w, H / P, W / P)
        # 3. Encoder.
        skips = []
        for level, stage in enumerate(self.encoder):
            hidden = stage(hidden)  # (B, w, H / h, W / h)
            if level < len(self.down):
                skips.append(hidden)
                hidden = self.down[level](hidden) + biases[level + 1]  # half the size
        # 4. Decoder.
        for level in reversed(range(len(self.decoder))):
            hidden = self.up[level](hidden) + skips.pop() + biases[-1 - level]  # twice the size
            hidden = self.decoder[level](hidden)  # (B, w, H / h, W / h)
        # 5. Global skip.
        residual = F.pixel_shuffle(self.head(hidden), self.patch_size)  # (B, C, H, W)
        return pixel_values + residual.to(pixel_values.dtype)


def _residual_stage(width: int, depth: int) -> nn.Sequential:
    return nn.Sequential(*(ArganResidualBlock(width) for _ in range(depth)))


def build_network(config: NetworkConfig) -> nn.Module:
    """The network of a configuration, not initialized."""
    return ArganPlainUNet(config) if config.block_type == "plain" else ArganResidualUNet(config)


def size_divisor(config: NetworkConfig) -> int:
    """A network pads height and width to multiples of this, in pixels; tiles must start at such multiples."""
    if config.block_type == "plain":
        return 1 << len(config.hidden_sizes)
    return config.patch_size << (len(config.hidden_sizes) - 1)


def is_tile_margin(margin: int, divisor: int) -> bool:
    """Whether tiles can have such a margin: they start at multiples of the size divisor."""
    return margin % divisor == 0 and 0 <= margin <= LARGEST_TILE_MARGIN


def restore_planes(
    unet: Callable[[Tensor, Tensor | None], Tensor],
    config: NetworkConfig,
    pixel_values: Tensor,
    quantization: Tensor | None,
) -> Tensor:
    """Run a network over planes of any size, of which there may be one where it restores three.

    Args:
        unet: from [`build_network`], or what computes the same.
        config: of the network.
        pixel_values: float (B, C, H, W) in 0..1, any H, W >= 1; C is 1 or `config.num_channels`.
        quantization: (B, C, 8, 8), zeros where a table is unknown; `None` if all are.

    Returns:
        float (B, C, H, W), nominally 0..1, not clamped.

    Raises:
        ValueError: if the planes are not what the configuration expects.
    """
    if pixel_values.ndim != 4:
        raise ValueError(f"pixel_values must have shape (B, C, H, W), found {tuple(pixel_values.shape)}")
    planes, expected = pixel_values.shape[1], config.num_channels
    if planes not in (1, expected):
        raise ValueError(f"this network restores {expected} plane(s), pixel_values holds {planes}")
    height, width = pixel_values.shape[-2:]
    hidden = pixel_values
    if planes < expected:
        hidden = torch.cat((hidden, torch.full_like(hidden, 128 / 255).expand(-1, expected - 1, -1, -1)), dim=1)
        if quantization is not None:
            quantization = F.pad(quantization, (0, 0, 0, 0, 0, expected - planes))
    restored = unet(_pad_to_multiple(hidden, size_divisor(config)), quantization)
    return restored[:, :planes, :height, :width]


__all__ = [
    "LARGEST_TILE_MARGIN",
    "ArganPlainUNet",
    "ArganResidualBlock",
    "ArganResidualUNet",
    "ArganZeroConv2d",
    "ArganZeroLinear",
    "NetworkConfig",
    "build_network",
    "encoder_layer",
    "is_tile_margin",
    "restore_planes",
    "size_divisor",
]
