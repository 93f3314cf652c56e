"""Settings of a process that PyTorch and its libraries read when they are imported.

They are for programs: the command line and the page. A library leaves them to the program that uses it.
"""

import os

_SETTINGS = {
    # Threads of OpenMP wait for each other at the end of every operation. By default they do so in a loop, which takes
    # the processor from whatever else runs on it, and from the thread that they wait for: on two processors of which
    # one is busy, two threads then take five times as long as one.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Feature maps in pages of 2 MiB: the system clears every page that a process gets, and a tile takes 100 MB.
    "THP_MEM_ALLOC_ENABLE": "1",
}


def share_the_processor() -> None:
    """Apply the settings, unless the environment states others; to be called before torch is imported."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
