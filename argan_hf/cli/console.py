"""Error messages and exit codes, which all subcommands share."""

import sys

from tqdm.auto import tqdm


def complain(message: object) -> None:
    """Print an error message on standard error, above a progress bar if there is one."""
    tqdm.write(f"argan: {message}", file=sys.stderr)


def exit_code(done: int, failed: int) -> int:
    """0 if nothing failed, 1 if some files failed, 2 if nothing was done."""
    return 0 if not failed else 1 if done else 2
