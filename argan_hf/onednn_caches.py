"""Bounds what oneDNN, which computes the convolutions on a CPU, remembers of every size of picture that it has seen.

It keeps the program of a convolution of a certain size, and PyTorch's layer above it keeps what it prepared to call it:
1024 of each. The default network needs 28 of the former whatever the size, and ten more for every size of picture. They
come to lie between its tensors, so that the memory is cut to pieces. A thousand sizes later, a process takes twice the
memory. With room for the programs of a few sizes it takes what it took at the beginning, at the same speed.
"""

import os

_CAPACITIES = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64", "LRU_CACHE_CAPACITY": "1"}


def bound_caches() -> None:
    """Set the capacities for this process, unless the environment states others.

    They are read once, before the first convolution of the process. Later calls change nothing.
    """
    for name, capacity in _CAPACITIES.items():
        os.environ.setdefault(name, capacity)
