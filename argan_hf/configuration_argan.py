"""Configuration of the ARGAN generator and discriminator, as stored in the `config.json` of a checkpoint."""

from typing import Literal

from huggingface_hub.dataclasses import strict
from transformers import PreTrainedConfig

from .network_argan import LARGEST_TILE_MARGIN, is_tile_margin, size_divisor


@strict
class ArganConfig(PreTrainedConfig):
    """Configuration of [`ArganForImageRestoration`]; the defaults are the network of the paper.

    Args:
        num_channels: planes that are restored: 1 (Y) or 3 (Y, Cb, Cr).
        block_type: `"plain"`, the paper's U-Net (4x4 convolutions of stride 2, BatchNorm, concatenated skips), or
            `"residual"` (residual blocks without normalization, added skips, a global skip from input to output).
        hidden_sizes: channels of every level, finest first.
        depths: residual blocks of every level, finest first; the decoder repeats all but the last. Empty for
            `"plain"`.
        patch_size: side of the square of pixels that is folded into channels before the first level (pixel unshuffle;
            `"residual"` only).
        condition_on_quantization: whether the network is conditioned on the quantization tables (`"residual"` only).
        conditioning_size: width of the hidden layer that embeds the tables.
        negative_slope: slope of the encoder's LeakyReLU (`"plain"` only).
        initializer_range: standard deviation of the normal initialization of `"plain"` weights.
        tile_margin: pixels around a tile of a large picture whose content changes what the network gives for the tile,
            as far as that can be seen, see [`influence_margin`]; `None` if it was not measured.
    """

    model_type = "argan"

    num_channels: int = 1
    block_type: Literal["plain", "residual"] = "plain"
    hidden_sizes: list[int] | tuple[int, ...] = (64, 128, 256, 512)
    depths: list[int] | tuple[int, ...] = ()
    patch_size: int = 1
    condition_on_quantization: bool = False
    conditioning_size: int = 128
    negative_slope: float = 0.2
    initializer_range: float = 0.02
    tile_margin: int | None = None

    def validate_planes(self) -> None:
        if self.num_channels not in (1, 3):
            raise ValueError(f"num_channels must be 1 (Y) or 3 (Y, Cb, Cr), found {self.num_channels}")

    def validate_levels(self) -> None:
        if not self.hidden_sizes:
            raise ValueError("hidden_sizes must name at least one level, found none")
        if (least := min(*self.hidden_sizes, self.patch_size, self.conditioning_size)) < 1:
            raise ValueError(f"hidden_sizes, patch_size and conditioning_size must be 1 or more, found {least}")
        if (least := min(self.depths, default=0)) < 0:
            raise ValueError(f"depths must be 0 or more, found {least}")
        if self.block_type == "residual" and len(self.depths) != len(self.hidden_sizes):
            raise ValueError(f"depths must name one number per level ({len(self.hidden_sizes)}), found {self.depths}")
        if self.block_type == "plain" and (self.depths or self.patch_size != 1 or self.condition_on_quantization):
            raise ValueError("depths, patch_size and condition_on_quantization belong to block_type='residual'")

    def validate_tile_margin(self) -> None:
        margin = self.tile_margin
        if margin is not None and not is_tile_margin(margin, self.size_divisor):
            raise ValueError(
                f"tile_margin must be a multiple of the size divisor {self.size_divisor} in 0..{LARGEST_TILE_MARGIN}, "
                f"found {margin}"
            )

    @property
    def size_divisor(self) -> int:
        """The network pads height and width to multiples of this, in pixels; tiles must start at such multiples."""
        return size_divisor(self)


@strict
class ArganDiscriminatorConfig(PreTrainedConfig):
    """Configuration of [`ArganDiscriminator`]; the defaults are the paper's discriminator of 64x64 luma crops.

    Args:
        num_channels: planes of a crop.
        hidden_sizes: channels of the strided layers; a crop must be at least `4 * 2 ** len(hidden_sizes)` pixels on
            both sides. For larger crops the discriminator is a PatchGAN: it gives one verdict per region.
        normalization: `"batch"` or `"none"`. BatchNorm hides the amplitude of a texture from the discriminator.
        wavelet_levels: 0: the input is the planes. Otherwise it is the detail bands of luma: three orientations at each
            level of an undecimated Haar transform. These bands hold no chroma and no mean brightness, so that the
            gradient of the discriminator changes neither.
        conditional: whether the degraded crop is an input, too (not in the paper).
        negative_slope: slope of the LeakyReLU.
        initializer_range: standard deviation of the normal initialization.
    """

    model_type = "argan_discriminator"

    num_channels: int = 1
    hidden_sizes: list[int] | tuple[int, ...] = (64, 128, 256, 512)
    normalization: Literal["batch", "none"] = "batch"
    wavelet_levels: int = 0
    conditional: bool = False
    negative_slope: float = 0.2
    initializer_range: float = 0.02

    def validate_levels(self) -> None:
        if not self.hidden_sizes:
            raise ValueError("hidden_sizes must name at least one layer, found none")
        if (least := min(*self.hidden_sizes, self.num_channels)) < 1:
            raise ValueError(f"hidden_sizes and num_channels must be 1 or more, found {least}")
        if self.wavelet_levels < 0:
            raise ValueError(f"wavelet_levels must be 0 or more, found {self.wavelet_levels}")

    @property
    def input_channels(self) -> int:
        """Channels that the first layer gets."""
        seen = 3 * self.wavelet_levels or self.num_channels
        # Beside detail bands, the luma of the degraded crop is an input: it shows to which surface a texture belongs.
        given = seen + (1 if self.wavelet_levels else 0) if self.conditional else 0
        return seen + given

    @property
    def minimum_size(self) -> int:
        """The smallest side of a crop, in pixels: its features still fill the kernel of the last 4x4 convolution."""
        return 4 << len(self.hidden_sizes)


__all__: list[str] = ["ArganConfig", "ArganDiscriminatorConfig"]
