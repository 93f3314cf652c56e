"""What a command does before it loads a network, and other commands do not wait for."""

from ..memory import check_address_space


def prepare_for_networks() -> None:
    """Make sure that there is room for torch, and that loading a network draws no progress bar of its own.

    Raises:
        MemoryError: as [`check_address_space`].
    """
    check_address_space()
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
