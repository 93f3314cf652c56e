"""Recognizes a lack of memory, which libraries report in a dozen ways, and some by ending the process."""

import errno
import sys

# Words of PyTorch's allocator, of oneDNN, of C++ and of mmap. None of them has an exception of its own.
_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "could not create a primitive",
    "could not create a memory object",
    "bad_alloc",
    "unable to mmap",
    "can't start new thread",
)
_LEAST_ADDRESS_SPACE = 1.5 * 2**30


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an exception, or one that caused it, says that there is too little memory."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        # Where torch was not imported, it raised nothing.
        if (torch := sys.modules.get("torch")) is not None and isinstance(error, torch.OutOfMemoryError):
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if isinstance(error, RuntimeError) and any(words in str(error) for words in _WORDS):
            return True
        error = error.__cause__ or error.__context__
    return False


def check_address_space() -> None:
    """Refuse a limit on addresses (`ulimit -v`) below what PyTorch and a network take before there is any picture.

    Below it, libraries end the process in the middle of their work, or report what has nothing to do with memory. On
    two threads, a picture of 0.3 megapixels needs 1.4 GiB; most of it is code and room that is reserved for threads.

    Raises:
        MemoryError: if the limit is below 1.5 GiB.
    """
    if sys.platform == "win32":
        return  # has no such limit
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _LEAST_ADDRESS_SPACE:
        raise MemoryError(
            f"this process may use {limit / 2**30:.2f} GiB of addresses, expected at least "
            f"{_LEAST_ADDRESS_SPACE / 2**30:g}: raise the limit (ulimit -v unlimited)"
        )
