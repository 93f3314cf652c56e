"""The command line `argan`: parses arguments, calls the library, prints results. This package has no arithmetic.

Exit codes: 0 all done, 1 some files failed, 2 wrong usage or nothing done, 130 interrupted before any work.
"""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

from .. import __version__
from .console import INTERRUPTED, complain, flush_streams, prepare_streams

# Each has a module of its name.
_COMMANDS = {
    "restore": "restore pictures",
    "inspect": "show what pictures state about themselves, what is wrong with them, and earlier saves",
    "evaluate": "compare methods on a folder of original pictures",
    "export": "write a network as an ONNX file, for other programs, or for browsers",
    "publish": "publish a checkpoint or the demo on the Hugging Face Hub",
    "doctor": "show versions, device and a trial, for reports of bugs",
}


def main(argv: list[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: arguments without the program's name; default: those of the process.

    Returns:
        The exit code.
    """
    prepare_streams()
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(prog="argan", description="Remove JPEG artifacts from pictures.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(dest="command", required=True)
    # Flags before the command take no argument.
    chosen = next((argument for argument in argv if not argument.startswith("-")), None)
    try:
        for name, words in _COMMANDS.items():
            subparser = subparsers.add_parser(name, help=words)
            # The others are not imported: some of them take seconds, and are not needed.
            if name == chosen:
                command = import_module(f".{name}", __package__)
                command.add_arguments(subparser)
                subparser.set_defaults(run=command.run)
        args = parser.parse_args(argv)
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
