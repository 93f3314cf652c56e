"""Error messages and exit codes, which all subcommands share."""

import sys

from tqdm.auto import tqdm


def complain(message: object) -> None:
    """Print an error message on standard error, above a progress bar if there is one.

    Messages of the Hub and of torch have several lines; they are joined to one.
    """
    lines = (line.strip() for line in str(message).splitlines())
    tqdm.write(f"argan: {' '.join(line for line in lines if line)}", file=sys.stderr)


def exit_code(done: int, failed: int) -> int:
    """0 if nothing failed, 1 if some files failed, 2 if nothing was done."""
    return 0 if not failed else 1 if done else 2
