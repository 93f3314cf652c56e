"""The generator (a U-Net that removes JPEG artifacts from planes) and the discriminator, as models of transformers.

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
from .network_argan import ArganZeroConv2d, ArganZeroLinear, build_network, encoder_layer, restore_planes
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
        self.unet = build_network(config)
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
        reconstruction = restore_planes(self.unet, self.config, pixel_values, quantization)
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
                encoder_layer(incoming, width, config.negative_slope, normalize=level > 0 and normalized)
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
