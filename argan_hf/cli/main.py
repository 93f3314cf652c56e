"""The command line `argan`: parses arguments, calls the library, prints results. This package has no arithmetic.

Exit codes: 0 all done, 1 some files failed, 2 wrong usage or nothing done, 130 interrupted before any work.
"""

import argparse
from collections.abc import Callable

from transformers.utils import logging as transformers_logging

from .. import __version__
from ..memory import check_address_space
from . import doctor, evaluate, inspect, publish, restore
from .console import INTERRUPTED, complain, flush_streams, prepare_streams

_COMMANDS = {
    "restore": (restore, "restore pictures"),
    "inspect": (inspect, "show earlier saves of pictures, and what JPEG files state about themselves"),
    "evaluate": (evaluate, "compare methods on a folder of original pictures"),
    "publish": (publish, "publish a checkpoint or the demo on the Hugging Face Hub"),
    "doctor": (doctor, "show versions, device and a trial, for reports of bugs"),
}


def main(argv: list[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: arguments without the program's name; default: those of the process.

    Returns:
        The exit code.
    """
    prepare_streams()
    parser = argparse.ArgumentParser(prog="argan", description="Remove JPEG artifacts from pictures.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True)
    for name, (command, words) in _COMMANDS.items():
        subparser = subparsers.add_parser(name, help=words)
        command.add_arguments(subparser)
        subparser.set_defaults(run=command.run)
    transformers_logging.disable_progress_bar()
    try:
        args = parser.parse_args(argv)
        check_address_space()
        run: Callable[[argparse.Namespace], int] = args.run
        return run(args)
    except MemoryError as error:
        complain(error)
        return 2
    except BrokenPipeError:
        return 0  # Whoever reads --help has seen enough.
    except KeyboardInterrupt:
        complain("interrupted")
        return INTERRUPTED
    finally:
        flush_streams()
