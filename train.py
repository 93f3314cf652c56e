"""Train ARGAN: `python train.py --recipe recipes/argan-jpeg-luma.yaml --dataset_name HUB_ID`.

Arguments given on the command line win over the recipe, the recipe over the defaults (the paper's numbers).
"""

import argparse
import dataclasses
import json
import logging
import sys
from pathlib import Path
from typing import Any

import yaml
from transformers import HfArgumentParser

from argan_hf.training.arguments import ArganTrainingArguments
from argan_hf.training.trainer import ArganTrainer


def _read_recipe(path: Path) -> dict[str, Any]:
    recipe: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    unknown = sorted(set(recipe) - {field.name for field in dataclasses.fields(ArganTrainingArguments)})
    if unknown:
        raise ValueError(f"{path} names unknown arguments: {', '.join(unknown)}")
    return {name: json.dumps(value) if isinstance(value, dict) else value for name, value in recipe.items()}


def main(argv: list[str] | None = None) -> int:
    """Parse, train, export; 2 is returned for arguments that cannot work."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    recipe_parser = argparse.ArgumentParser(add_help=False)
    recipe_parser.add_argument("--recipe", help="YAML file of arguments.")
    recipe_args, rest = recipe_parser.parse_known_args(argv)
    parser = HfArgumentParser(ArganTrainingArguments, parents=[recipe_parser], description=__doc__)
    try:
        if recipe_args.recipe:
            parser.set_defaults(**_read_recipe(Path(recipe_args.recipe)))
        (args, _) = parser.parse_args_into_dataclasses(rest)
        ArganTrainer(args).train()
    except (ValueError, OSError) as error:
        print(f"train.py: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
