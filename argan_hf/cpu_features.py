"""What the CPU computes fast: instructions for bfloat16 and vectors of 512 bits.

oneDNN, which computes the convolutions, obeys `ONEDNN_MAX_CPU_ISA`. So it is read here, too: with it, a newer CPU can
stand for an older one.
"""

import os
import platform

import torch

_WITH_BFLOAT16 = ("BF16", "FP16", "AMX", "AVX10", "ALL", "DEFAULT")


def computes_bfloat16() -> bool:
    """Whether convolutions in bfloat16 are faster than in float32; without such instructions they take ten times."""
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    allowed = _allowed()
    return fast and (allowed is None or any(name in allowed for name in _WITH_BFLOAT16))


def has_avx512() -> bool:
    """Whether convolutions use vectors of 512 bits."""
    allowed = _allowed()
    return torch.backends.cpu.get_cpu_capability() == "AVX512" and (
        allowed is None or "AVX512" in allowed or any(name in allowed for name in _WITH_BFLOAT16)
    )


def fuses_convolutions() -> bool:
    """Whether this is an x86 CPU, and PyTorch has oneDNN's convolutions with fused sums and activations for it."""
    if platform.machine().lower() not in ("x86_64", "amd64") or not torch.backends.mkldnn.is_available():
        return False
    return hasattr(torch.ops.mkldnn, "_convolution_pointwise") and hasattr(torch.ops.mkldnn, "_convolution_pointwise_")


def _allowed() -> str | None:
    """The instructions to which oneDNN is limited, `None` if there is no limit."""
    found = os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")
    return found.upper() if found else None
