"""Train ARGAN: `python train.py --recipe recipes/argan-jpeg-luma.yaml --dataset_name HUB_ID`.

Flags win over the recipe, the recipe over the defaults (the paper's numbers). `--recipe recipes/debug.yaml` runs in a
minute on a CPU, without any data.
"""

import argparse
import dataclasses
import json
import logging
import sys
from pathlib import Path
from typing import Any

try:
    import yaml
    from transformers import HfArgumentParser

    from argan_hf.training.arguments import ARGUMENT_GROUPS, ArganTrainingArguments
    from argan_hf.training.stopping import RunStoppedError, exit_code_of, fault_in, terminable
    from argan_hf.training.trainer import ArganTrainer
except KeyboardInterrupt:  # These imports take seconds.
    print("train.py: interrupted before the first step; nothing was written", file=sys.stderr)
    sys.exit(130)

_USAGE = "%(prog)s [--recipe FILE] [--NAME VALUE …]"


def read_recipe(path: Path) -> dict[str, Any]:
    """Arguments of a YAML file, as the parser's defaults: nested ones become JSON.

    Raises:
        ValueError: if it is no YAML file of arguments, or names one that does not exist.
        OSError: if it cannot be read.
    """
    try:
        recipe: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no YAML file: {' '.join(str(error).split())}") from error
    if not isinstance(recipe, dict):
        raise ValueError(f"{path} must hold lines such as 'crop_size: 64', found {str(recipe)[:40]!r}")  # noqa: TRY004
    unknown = sorted(set(recipe) - {field.name for field in dataclasses.fields(ArganTrainingArguments)})
    if unknown:
        raise ValueError(f"{path} names unknown arguments: {', '.join(unknown)}")
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in recipe.items()}


def parse(argv: list[str] | None = None) -> ArganTrainingArguments:
    """The arguments of a command line, with those of its recipe.

    Raises:
        ValueError: if a number cannot work, or the recipe names an argument that does not exist.
        OSError: if the recipe cannot be read.
    """
    recipe_parser = argparse.ArgumentParser(add_help=False)
    recipe_parser.add_argument("--recipe", help="YAML file of arguments.")
    recipe_args, rest = recipe_parser.parse_known_args(argv)
    parser = HfArgumentParser(ARGUMENT_GROUPS, parents=[recipe_parser], usage=_USAGE, description=__doc__)
    if recipe_args.recipe:
        parser.set_defaults(**read_recipe(Path(recipe_args.recipe)))
    *groups, _ = parser.parse_args_into_dataclasses(rest)
    return ArganTrainingArguments(**{name: value for group in groups for name, value in vars(group).items()})


def main(argv: list[str] | None = None) -> int:
    """Parse, train, export.

    Returns:
        0, or 2 for arguments that cannot work, a run that diverged, and what cannot be read or written; 130 and 143 for
        a run that Ctrl-C or SIGTERM ended.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    try:
        with terminable():
            _prepare(argv).train()
    except RunStoppedError as error:
        return _complain(error, error.exit_code)
    except KeyboardInterrupt as error:
        return _complain("interrupted before the first step; nothing was written", exit_code_of(error))
    return 0


def _prepare(argv: list[str] | None) -> ArganTrainer:
    """The run of a command line; raises a RunStoppedError for one that cannot begin."""
    try:
        return ArganTrainer(parse(argv))
    except Exception as error:
        # Once the run goes on, a ValueError is a fault of this program, which a traceback helps to find.
        fault = error if isinstance(error, ValueError) else fault_in(error)
        if fault is None:
            raise
        raise RunStoppedError(str(fault)) from error


def _complain(message: object, exit_code: int) -> int:
    print(f"train.py: {' '.join(str(message).split())}", file=sys.stderr)
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
