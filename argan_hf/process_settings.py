"""What a process has to set before PyTorch is imported.

That is for programs: the command line and the page. A library leaves it to the program that uses it.
"""

import os


def share_the_processor() -> None:
    """Let the threads of OpenMP sleep while they wait, unless the environment says otherwise.

    They wait for each other at the end of every operation. By default they do so in a loop, which takes the processor
    from whatever else runs on it, and from the thread that they wait for: on two processors of which one is busy, two
    threads can then take longer than one. It is read when torch is imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
