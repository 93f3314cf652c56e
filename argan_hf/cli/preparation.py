"""What a command does before it imports torch, and other commands do not wait for."""

from ..memory import check_address_space
from ..process_settings import share_the_processor


def prepare_for_networks() -> None:
    """Make sure that there is room for torch, and that it shares the processor with other programs.

    Raises:
        MemoryError: as [`check_address_space`].
    """
    check_address_space()
    share_the_processor()
