"""D3 (Wang et al., CVPR 2016): one-step sparse inference in the DCT domain, then in the pixel domain, on 8x8 patches.

A patch of decoded luma goes to its DCT, through a learned dictionary with soft thresholds, back into the interval that
the quantization table allows, to pixels, and through a second such dictionary. No implementation was published; what
the paper leaves open is chosen here: patches are taken at every pixel and their results averaged, since patches on the
JPEG grid alone never see a block border. The interval is exact on the grid; elsewhere a coefficient mixes several
blocks, so it is as wide as `shifted_slack` says.
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
        initial_threshold: of the shrinkage, in the units of the network (samples are -0.5..0.5).
        shifted_slack: half the width of the interval of patches off the grid, in quantization steps (on it: 0.5).
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

    The thresholds are two diagonal scalings around a shrinkage by one, as in the paper, folded into the weights.
    """

    def __init__(self, config: D3Config) -> None:
        super().__init__()
        self.analysis = nn.Conv2d(_PATCH, config.dictionary_size, 1, bias=False)
        self.threshold = nn.Parameter(torch.full((config.dictionary_size, 1, 1), config.initial_threshold))
        self.synthesis = nn.Conv2d(config.dictionary_size, _PATCH, 1, bias=False)

    def forward(self, patches: Tensor) -> Tensor:
        threshold = self.threshold.abs() + _LEAST_THRESHOLD
        codes = F.conv2d(patches, self.analysis.weight / threshold[..., None])
        return F.conv2d(F.softshrink(codes, 1.0), self.synthesis.weight * threshold[None])


class D3ForImageRestoration(PreTrainedModel):
    """Takes JPEG artifacts out of luma; one network per quality, as published."""

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
            # A tight frame: with no threshold the untrained stage is the identity.
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
            quantization: (B, 1, 8, 8), the tables, zeros where unknown, or `None`: no interval is enforced then.
            labels: float (B, 1, H, W) in 0..1, the original luma; makes `loss` appear: the mean squared error of the
                result plus that of the DCT stage.
        """
        basis = _dct_basis(pixel_values)
        coefficients = F.conv2d(_repeat_border(pixel_values - 0.5), basis[:, None].unflatten(2, (_SIDE, _SIDE)))
        stage = self.dct_stage(coefficients)
        if quantization is not None:
            stage = _into_interval(stage, coefficients, quantization, self.config.shifted_slack)
        pixels = self.pixel_stage(F.conv2d(stage, basis.T[:, :, None, None]))
        reconstruction = _average(pixels, pixel_values.shape[-2:]) + 0.5
        loss = None
        if labels is not None:
            truth = F.conv2d(_repeat_border(labels - 0.5), basis[:, None].unflatten(2, (_SIDE, _SIDE)))
            loss = F.mse_loss(reconstruction.float(), labels.float()) + F.mse_loss(stage.float(), truth.float())
        return ArganOutput(loss=loss, reconstruction=reconstruction)


def _dct_basis(like: Tensor) -> Tensor:
    """Orthonormal 2-D DCT of a flat 8x8 patch, (64, 64)."""
    n = torch.arange(_SIDE, dtype=torch.float64)
    basis = torch.cos((2 * n + 1) * n[:, None] * math.pi / (2 * _SIDE)) * math.sqrt(2 / _SIDE)
    basis[0] /= math.sqrt(2)
    return torch.kron(basis, basis).to(like)


def _repeat_border(planes: Tensor) -> Tensor:
    # So that the first and last pixels, too, are covered by 64 patches.
    return F.pad(planes, (_SIDE - 1,) * 4, mode="replicate")


def _into_interval(stage: Tensor, coefficients: Tensor, quantization: Tensor, shifted_slack: float) -> Tensor:
    steps = quantization.to(stage.dtype).flatten(1)[:, :, None, None] / 255.0
    rows, columns = (torch.arange(size, device=stage.device) % _SIDE == _SIDE - 1 for size in stage.shape[-2:])
    on_grid = rows[:, None] & columns
    half = steps * torch.where(on_grid, 0.5, shifted_slack)
    half = half.masked_fill(steps == 0, torch.inf)
    return torch.minimum(torch.maximum(stage, coefficients - half), coefficients + half)


def _average(patches: Tensor, size: torch.Size) -> Tensor:
    height, width = size
    margin = _SIDE - 1
    # F.fold as a transposed convolution, which autocast knows.
    paste = torch.eye(_PATCH, dtype=patches.dtype, device=patches.device).view(_PATCH, 1, _SIDE, _SIDE)
    total = F.conv_transpose2d(patches, paste)
    return total[..., margin : margin + height, margin : margin + width] / _PATCH


__all__ = ["D3Config", "D3ForImageRestoration"]
