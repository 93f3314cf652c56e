"""D3 (Wang et al., CVPR 2016): one-step sparse inference in the DCT domain, then in the pixel domain, on 8x8 patches.

The steps for a patch of decoded luma: DCT; one step of sparse inference with a learned dictionary; clamping of the
coefficients to the intervals that the quantization table allows; inverse DCT; sparse inference with another dictionary.

No implementation was published, so some choices were made here. Patches are taken at every pixel and their results
averaged, because patches on the JPEG grid alone contain no block border. For patches on the grid, the interval is
exact. For others, a coefficient depends on several blocks, so the interval has the width that `shifted_slack` sets.
"""

import math

import torch
from huggingface_hub.dataclasses import strict
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedConfig, PreTrainedModel
from transformers import initialization as init

from ..modeling_argan import ArganOutput

_SIDE = 8
_PATCH = _SIDE * _SIDE
_LEAST_THRESHOLD = 1e-6


@strict
class D3Config(PreTrainedConfig):
    """Configuration of [`D3ForImageRestoration`]; the default width is D3-256.

    Args:
        dictionary_size: atoms of each of the two dictionaries.
        initial_threshold: of the soft shrinkage, in the units of the network (samples are -0.5..0.5).
        shifted_slack: half the width of the interval for patches off the JPEG grid, in quantization steps; on the grid
            it is 0.5.
    """

    model_type = "d3"

    dictionary_size: int = 256
    initial_threshold: float = 0.01
    shifted_slack: float = 1.0

    num_channels: int = 1
    condition_on_quantization: bool = True

    @property
    def size_divisor(self) -> int:
        """Tiles must start on the JPEG grid, since the interval depends on it."""
        return _SIDE


class D3SparseInference(nn.Module):
    """One step of sparse inference: analysis, soft threshold per atom, synthesis (1x1 convolutions over patches).

    As in the paper, codes are divided by their thresholds, shrunk by 1, and multiplied by the thresholds. Here both
    scalings are merged into the weights.
    """

    def __init__(self, config: D3Config) -> None:
        super().__init__()
        self.analysis = nn.Conv2d(_PATCH, config.dictionary_size, 1, bias=False)
        self.threshold = nn.Parameter(torch.full((config.dictionary_size, 1, 1), config.initial_threshold))
        self.synthesis = nn.Conv2d(config.dictionary_size, _PATCH, 1, bias=False)

    def forward(self, patches: Tensor) -> Tensor:
        """Patches (B, 64, h, w), flattened into channels, to patches of the same shape."""
        threshold = self.threshold.abs() + _LEAST_THRESHOLD  # (atoms, 1, 1)
        codes = F.conv2d(patches, self.analysis.weight / threshold[..., None])  # (B, atoms, h, w)
        return F.conv2d(F.softshrink(codes, 1.0), self.synthesis.weight * threshold[None])


class D3ForImageRestoration(PreTrainedModel):
    """Removes JPEG artifacts from luma; one network per quality, as in the paper."""

    config_class = D3Config
    base_model_prefix = "d3"
    main_input_name = "pixel_values"
    input_modalities = ("image",)

    def __init__(self, config: D3Config) -> None:
        super().__init__(config)
        self.dct_stage = D3SparseInference(config)
        self.pixel_stage = D3SparseInference(config)
        self.post_init()

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, D3SparseInference):
            # A tight frame: without thresholds, the untrained stage is the identity.
            frame = torch.empty(module.threshold.shape[0], _PATCH)
            nn.init.orthogonal_(frame)
            init.copy_(module.analysis.weight, frame[:, :, None, None])
            init.copy_(module.synthesis.weight, frame.T[:, :, None, None])
            init.constant_(module.threshold, self.config.initial_threshold)

    def forward(
        self, pixel_values: Tensor, quantization: Tensor | None = None, labels: Tensor | None = None
    ) -> ArganOutput:
        """Restore luma.

        Args:
            pixel_values: float (B, 1, H, W) in 0..1, any H, W >= 1, its corner on the JPEG grid.
            quantization: (B, 1, 8, 8), the tables, zeros where unknown. Without tables (`None` or zeros; blind
                restoration) coefficients are not clamped to intervals.
            labels: float (B, 1, H, W) in 0..1, the original luma; if given, the output has a `loss`: the mean squared
                error of the result plus that of the coefficients after the DCT stage.
        """
        # 1. DCT of the 8x8 patches that start at every pixel and up to 7 pixels before the picture.
        samples = (pixel_values - 0.5).to(self.dtype)
        basis = _dct_basis(samples)  # (64, 64)
        kernels = basis[:, None].unflatten(2, (_SIDE, _SIDE))  # (64, 1, 8, 8)
        coefficients = F.conv2d(_repeat_border(samples), kernels)  # (B, 64, H + 7, W + 7)
        # 2. Sparse inference on the coefficients, clamped to the intervals of the tables.
        stage = self.dct_stage(coefficients)  # (B, 64, H + 7, W + 7)
        if quantization is not None:
            stage = _into_interval(stage, coefficients, quantization, self.config.shifted_slack)
        # 3. Inverse DCT, and sparse inference on the pixels of the patches.
        pixels = self.pixel_stage(F.conv2d(stage, basis.T[:, :, None, None]))  # (B, 64, H + 7, W + 7)
        # 4. Average of the 64 patches that cover a pixel.
        average = _average(pixels, pixel_values.shape[-2:]) + 0.5  # (B, 1, H, W)
        reconstruction = average.to(pixel_values.dtype)
        loss = None
        if labels is not None:
            truth = F.conv2d(_repeat_border((labels - 0.5).to(samples)), kernels)  # (B, 64, H + 7, W + 7)
            loss = F.mse_loss(reconstruction.float(), labels.float()) + F.mse_loss(stage.float(), truth.float())
        return ArganOutput(loss=loss, reconstruction=reconstruction)


def _dct_basis(like: Tensor) -> Tensor:
    """Orthonormal two-dimensional DCT of a flattened 8x8 patch, (64, 64): frequency, sample."""
    n = torch.arange(_SIDE, dtype=torch.float64)
    basis = torch.cos((2 * n + 1) * n[:, None] * math.pi / (2 * _SIDE)) * math.sqrt(2 / _SIDE)
    basis[0] /= math.sqrt(2)
    return torch.kron(basis, basis).to(like)


def _repeat_border(planes: Tensor) -> Tensor:
    """Pad (B, 1, H, W) to (B, 1, H + 14, W + 14), so that 64 patches cover every pixel."""
    return F.pad(planes, (_SIDE - 1,) * 4, mode="replicate")


def _into_interval(stage: Tensor, coefficients: Tensor, quantization: Tensor, shifted_slack: float) -> Tensor:
    """Clamp coefficients to intervals around those of the decoded picture.

    Args:
        stage: (B, 64, H + 7, W + 7), coefficients to clamp.
        coefficients: of the same shape, those of the decoded picture.
        quantization: (B, 1, 8, 8), the tables; a step of 0 is unknown and does not clamp.
        shifted_slack: half the width of an interval off the JPEG grid, in steps.
    """
    # 1. Steps in the units of the network, in which 255 gray levels are 1.
    steps = quantization.to(stage.dtype).flatten(1)[:, :, None, None] / 255.0  # (B, 64, 1, 1)
    # 2. Patches on the grid. The patch at index i starts at pixel i - 7.
    rows, columns = (torch.arange(size, device=stage.device) % _SIDE == _SIDE - 1 for size in stage.shape[-2:])
    on_grid = rows[:, None] & columns  # (H + 7, W + 7)
    # 3. Half the widths of the intervals, and the clamping.
    half = steps * torch.where(on_grid, 0.5, shifted_slack)  # (B, 64, H + 7, W + 7)
    half = half.masked_fill(steps == 0, torch.inf)
    return torch.minimum(torch.maximum(stage, coefficients - half), coefficients + half).to(stage.dtype)


def _average(patches: Tensor, size: torch.Size) -> Tensor:
    """Average overlapping patches (B, 64, H + 7, W + 7) to planes (B, 1, H, W); `size` is (H, W)."""
    height, width = size
    margin = _SIDE - 1
    # 1. The sum of all patches at their positions: F.fold, written as a transposed convolution for autocast.
    paste = torch.eye(_PATCH, dtype=patches.dtype, device=patches.device).view(_PATCH, 1, _SIDE, _SIDE)
    total = F.conv_transpose2d(patches, paste)  # (B, 1, H + 14, W + 14)
    # 2. Without the padding; 64 patches cover every pixel.
    return total[..., margin : margin + height, margin : margin + width] / _PATCH


__all__ = ["D3Config", "D3ForImageRestoration"]
