"""The ARGAN generator (a U-Net that removes JPEG artifacts from planes) and its discriminator.

This file is published on the Hub as remote code. It may import only torch, transformers and the other published files
(`*_argan.py`).
"""

import itertools
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel
from transformers import initialization as init
from transformers.utils import ModelOutput

from .configuration_argan import ArganConfig, ArganDiscriminatorConfig
from .network_size_argan import check_memory
from .wavelet_argan import haar_details

# Detail bands of luma have amplitudes of a few hundredths. This factor brings them near 1, a usual scale for inputs.
_DETAIL_GAIN = 16.0


@dataclass
class ArganOutput(ModelOutput):
    """Output of [`ArganForImageRestoration`].

    Args:
        loss: scalar, mean squared error to `labels` (Eq. 2 of the paper); only when `labels` is given.
        reconstruction: float (B, C, H, W), the restored planes; nominally 0..1, not clamped.
    """

    loss: Tensor | None = None
    reconstruction: Tensor | None = None


@dataclass
class ArganDiscriminatorOutput(ModelOutput):
    """Output of [`ArganDiscriminator`].

    Args:
        logits: float (B, regions); the sigmoid of a logit is D, the probability that a region of the crop was never
            compressed. A crop of the smallest size (64x64 by default) is one region; larger ones have several, as in a
            PatchGAN.
    """

    logits: Tensor | None = None


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

    def __init__(self, config: ArganConfig) -> None:
        super().__init__()
        widths = list(config.hidden_sizes)
        self.encoder = nn.ModuleList()
        for level, width in enumerate(widths):
            incoming = widths[level - 1] if level else config.num_channels
            self.encoder.append(_encoder_layer(incoming, width, config.negative_slope, normalize=level > 0))
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
        hidden, skips = pixel_values, []
        for layer in self.encoder:
            hidden = layer(hidden)
            skips.append(hidden)
        skips.pop()
        for layer in self.decoder:
            hidden = torch.cat((layer(hidden), skips.pop()), dim=1)
        restored: Tensor = self.head(hidden)
        return restored


def _encoder_layer(incoming: int, width: int, negative_slope: float, *, normalize: bool) -> nn.Sequential:
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

    def __init__(self, config: ArganConfig, widths: list[int]) -> None:
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

    def __init__(self, config: ArganConfig) -> None:
        super().__init__()
        widths, depths = list(config.hidden_sizes), list(config.depths)
        folded = config.num_channels * config.patch_size**2
        self.num_channels = config.num_channels
        self.patch_size = config.patch_size
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
        hidden = self.stem(F.pixel_unshuffle(pixel_values - 0.5, self.patch_size)) + biases[0]  # (B, w, H / P, W / P)
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


class ArganPreTrainedModel(PreTrainedModel):
    """Weight initialization and loading shared by generator and discriminator."""

    config_class: type[PreTrainedConfig] = ArganConfig
    base_model_prefix = "argan"
    main_input_name = "pixel_values"
    input_modalities = ("image",)

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, nn.BatchNorm2d):
            init.normal_(module.weight, mean=1.0, std=self.config.initializer_range)
        elif isinstance(module, (ArganZeroConv2d, ArganZeroLinear)):
            init.zeros_(module.weight)
        elif (
            isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))
            and getattr(self.config, "block_type", "plain") == "residual"
        ):
            init.kaiming_normal_(module.weight, nonlinearity="relu")


class ArganForImageRestoration(ArganPreTrainedModel):
    """Removes JPEG artifacts from Y'CbCr planes.

    `config.block_type` chooses between the paper's network and the residual one.

    Raises:
        ValueError: if the network would not fit into the memory of this machine.
    """

    def __init__(self, config: ArganConfig) -> None:
        super().__init__(config)
        check_memory(config)
        self.unet = ArganPlainUNet(config) if config.block_type == "plain" else ArganResidualUNet(config)
        self.post_init()

    def save_pretrained(self, save_directory: str | os.PathLike[str], **kwargs: Any) -> None:
        """Save as any model of transformers does; the published code can also be loaded with `AutoModel`."""
        known = getattr(self.config, "auto_map", None) or {}
        self.config.auto_map = {**known, "AutoModel": f"modeling_argan.{type(self).__name__}"}
        super().save_pretrained(save_directory, **kwargs)

    def forward(
        self,
        pixel_values: Tensor,
        quantization: Tensor | None = None,
        labels: Tensor | None = None,
        return_dict: bool | None = None,
    ) -> ArganOutput | tuple[Tensor, ...]:
        """Restore planes.

        Args:
            pixel_values: float (B, C, H, W) in 0..1, any H, W >= 1. C is the configuration's `num_channels`; a network
                for three planes also takes one (a gray picture) and then returns one.
            quantization: (B, C, 8, 8), the tables of the planes in natural order, zeros where they are unknown;
                `None` if all are unknown (blind restoration). Networks that are not conditioned on tables ignore it.
            labels: float (B, C, H, W) in 0..1, the original planes; if given, the output has a `loss`.
            return_dict: `False` for a tuple.

        Raises:
            ValueError: if the planes are not what the configuration expects.
        """
        if pixel_values.ndim != 4:
            raise ValueError(f"pixel_values must have shape (B, C, H, W), found {tuple(pixel_values.shape)}")
        planes, expected = pixel_values.shape[1], self.config.num_channels
        if planes not in (1, expected):
            raise ValueError(f"this network restores {expected} plane(s), pixel_values holds {planes}")
        height, width = pixel_values.shape[-2:]
        hidden = pixel_values
        if planes < expected:
            hidden = torch.cat((hidden, torch.full_like(hidden, 128 / 255).expand(-1, expected - 1, -1, -1)), dim=1)
            if quantization is not None:
                quantization = F.pad(quantization, (0, 0, 0, 0, 0, expected - planes))
        hidden = self.unet(_pad_to_multiple(hidden, self.config.size_divisor), quantization)
        reconstruction = hidden[:, :planes, :height, :width]
        loss = None if labels is None else F.mse_loss(reconstruction.float(), labels.float())
        if return_dict is None:
            return_dict = self.config.return_dict
        if not return_dict:
            return (reconstruction,) if loss is None else (loss, reconstruction)
        return ArganOutput(loss=loss, reconstruction=reconstruction)


class ArganDiscriminator(ArganPreTrainedModel):
    """Discriminates crops that were never compressed from restored ones.

    The paper's discriminator is unconditional: its input is one crop, without the degraded crop beside it.

    Raises:
        ValueError: if the network would not fit into the memory of this machine.
    """

    config_class = ArganDiscriminatorConfig

    def __init__(self, config: ArganDiscriminatorConfig) -> None:
        super().__init__(config)
        check_memory(config)
        widths = [config.input_channels, *config.hidden_sizes]
        normalized = config.normalization == "batch"
        self.layers = nn.Sequential(
            *(
                _encoder_layer(incoming, width, config.negative_slope, normalize=level > 0 and normalized)
                for level, (incoming, width) in enumerate(itertools.pairwise(widths))
            )
        )
        self.head = nn.Conv2d(widths[-1], 1, 4)
        self.post_init()

    def forward(
        self, pixel_values: Tensor, condition: Tensor | None = None, return_dict: bool | None = None
    ) -> ArganDiscriminatorOutput | tuple[Tensor, ...]:
        """Compute the logits of D.

        Args:
            pixel_values: float (B, C, H, W) in 0..1, H and W at least `config.minimum_size`.
            condition: the degraded crops, of the same shape; only a conditional network uses them.
            return_dict: `False` for a tuple.

        Raises:
            ValueError: if the crops are too small, or `condition` is missing for a conditional network.
        """
        if min(pixel_values.shape[-2:]) < self.config.minimum_size:
            found, least = tuple(pixel_values.shape[-2:]), self.config.minimum_size
            raise ValueError(f"the discriminator needs crops of at least {least}x{least} pixels, found {found}")
        hidden = self._features(pixel_values)
        if self.config.conditional:
            if condition is None:
                raise ValueError("this discriminator is conditional: condition must be the degraded crops, found None")
            context = [condition[:, :1] - 0.5] if self.config.wavelet_levels else []
            hidden = torch.cat((hidden, self._features(condition), *context), dim=1)
        logits = self.head(self.layers(hidden)).flatten(1)
        if return_dict is None:
            return_dict = self.config.return_dict
        return ArganDiscriminatorOutput(logits=logits) if return_dict else (logits,)

    def _features(self, pixel_values: Tensor) -> Tensor:
        """What the layers get of some crops: detail bands (B, 3 * levels, H, W), or the planes themselves."""
        levels = self.config.wavelet_levels
        return haar_details(pixel_values[:, :1], levels) * _DETAIL_GAIN if levels else pixel_values


__all__: list[str] = ["ArganDiscriminator", "ArganForImageRestoration", "ArganPreTrainedModel"]
