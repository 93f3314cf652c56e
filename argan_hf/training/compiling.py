"""How functions of training are compiled."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")

# Compilations of one function before torch gives up: one for each of its shapes. Muon alone needs more than torch's 8,
# because the kernels of G and D together have more shapes than that.
_LIMIT = 64


def compiled(function: Callable[_Parameters, _Result]) -> Callable[_Parameters, _Result]:
    """Compile a function whole (no part of it runs in Python), once for every shape of its arguments."""
    torch._dynamo.config.recompile_limit = max(_LIMIT, torch._dynamo.config.recompile_limit)
    result: Callable[_Parameters, _Result] = torch.compile(function, dynamic=False, fullgraph=True)
    return result
