"""The script `train.py`: flags, recipes, and what `--help` says."""

import dataclasses
import inspect
import json
import re
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import train
from argan_hf import JpegRestorer
from argan_hf.training.arguments import ARGUMENT_GROUPS, ArganTrainingArguments

ROOT = Path(__file__).parents[1]


def test_help_shows_every_flag_in_a_named_group(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(["--help"])
    text = capsys.readouterr().out
    sections = dict(re.findall(r"^(\S.*):\n((?:  .*\n|\n)+)", text, re.MULTILINE))
    for group in ARGUMENT_GROUPS:
        for field in dataclasses.fields(group):
            assert f"  --{field.name}" in sections[group._argument_group_name]
    assert sections.pop("options").count("--") == 2, "--help and --recipe"
    assert len(sections) == len(ARGUMENT_GROUPS)


def test_every_argument_is_declared_in_one_group() -> None:
    declared = [field.name for group in ARGUMENT_GROUPS for field in dataclasses.fields(group)]
    assert sorted(declared) == sorted(field.name for field in dataclasses.fields(ArganTrainingArguments))
    assert len(declared) == len(set(declared))
    assert inspect.get_annotations(ArganTrainingArguments) == {}


def test_help_shows_what_a_recipe_sets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        train.main(["--recipe", str(ROOT / "recipes" / "debug.yaml"), "--help"])
    assert "(default: muon)" in capsys.readouterr().out


@pytest.mark.slow
def test_the_script_takes_recipe_and_flags(
    picture_parquet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("max_train_steps: 99\nmodel: {hidden_sizes: [4, 8]}\nlogging_steps: 1\n")
    numbers = {"reservoir_mib": 8, "slot_size": 256, "train_batch_size": 4, "max_train_steps": 6, "crop_size": 64}
    flags = [f"--{name}={value}" for name, value in numbers.items()]
    flags += ["--dataset_name=parquet", "--data_files", picture_parquet, "--adversarial_start_step=2"]
    flags += [f"--output_dir={tmp_path / 'run'}", "--validation_pictures=1"]
    assert train.main(["--recipe", str(recipe), *flags]) == 0
    written = json.loads((tmp_path / "run" / "training_args.json").read_text())
    assert written["max_train_steps"] == 6
    assert json.loads(written["model"]) == {"hidden_sizes": [4, 8]}

    for text, words in (
        ("- a\n- b\n", "must hold lines such as"),
        ("a: [\n", "is no YAML file"),
        ("", "must hold lines"),
    ):
        recipe.write_text(text)
        assert train.main(["--recipe", str(recipe), *flags]) == 2
        assert words in capsys.readouterr().err
    recipe.write_text("max_steps: 99\n")
    assert train.main(["--recipe", str(recipe), *flags]) == 2
    assert "unknown arguments: max_steps" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", sorted((ROOT / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_is_complete(recipe: Path) -> None:
    fields = train.read_recipe(recipe)
    args = ArganTrainingArguments(**fields)
    assert args.model_config
    assert args.discriminator_config


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "gmacs"), [("small", 50), ("wide", 200), pytest.param("large", 550, marks=pytest.mark.extra)]
)
def test_the_recipes_for_a_gpu_run_on_a_cpu_too(size: str, gmacs: int, tmp_path: Path) -> None:
    steps = {"max_train_steps": 2, "adversarial_start_step": 2, "l2_start_step": 1, "lr_warmup_steps": 1}
    few = {**steps, "train_batch_size": 1, "crop_size": 64, "reservoir_mib": 4, "validation_pictures": 1}
    data = {"dataset_name": "generated", "slot_size": 320, "mixed_precision": "no", "output_dir": tmp_path}
    flags = [f"--{name}={value}" for name, value in (few | data).items()]
    recipe = ROOT / "recipes" / f"argan-jpeg-color-{size}.yaml"
    assert train.main(["--recipe", str(recipe), *flags, "--picture_scales", "1.0"]) == 0
    model = JpegRestorer.from_pretrained(tmp_path, device="cpu").model
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 256, 256))
    assert counter.get_total_flops() / 2 / 256**2 / 1e3 == pytest.approx(gmacs, rel=0.02)


@pytest.mark.slow
def test_the_debug_recipe_needs_no_data_and_passes_through_every_phase(tmp_path: Path) -> None:
    recipe = ["--recipe", str(ROOT / "recipes" / "debug.yaml"), "--output_dir", str(tmp_path)]
    steps = {"max_train_steps": 6, "l2_start_step": 2, "adversarial_start_step": 4, "validation_steps": 3}
    few = {**steps, "checkpointing_steps": 3, "reservoir_mib": 4, "validation_pictures": 1}
    assert train.main([*recipe, *(f"--{name}={value}" for name, value in few.items())]) == 0
    assert (tmp_path / "checkpoint-6").is_dir()
    assert (tmp_path / "discriminator" / "model.safetensors").is_file()
    assert (tmp_path / "before_after.png").is_file()
    assert JpegRestorer.from_pretrained(tmp_path, device="cpu").model.config.num_channels == 3
