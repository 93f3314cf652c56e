import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from argan_hf import ArganConfig, ArganForImageRestoration
from argan_hf.checkpoint_files import CHECKPOINTS
from argan_hf.evaluation.results import Results
from argan_hf.hub import card as card_module
from argan_hf.hub.card import build_card
from tests.evaluation.test_results import SCORE

TEMPLATE = Path(__file__).parents[2] / "model_card.md"


def _results(method: object) -> Results:
    """One picture, and three methods of which the last is the best."""
    held = replace(SCORE, method=f"{method}+faithful", psnr=29.25)
    return Results("LIVE1", "luma", (SCORE, replace(SCORE, method=str(method), psnr=29.0), held))


def test_no_number_is_typed_into_the_template() -> None:
    words = re.sub(r"```.*?```|`[^`\n]*`|{%.*?%}|{{.*?}}", "", TEMPLATE.read_text(), flags=re.DOTALL)
    assert re.findall(r".*\d.*", words) == []


def test_the_package_holds_the_template_as_a_file_of_its_own() -> None:
    packaged = Path(card_module.__file__).with_name("model_card.md")
    assert not packaged.is_symlink()
    assert packaged.read_bytes() == TEMPLATE.read_bytes(), "cp model_card.md argan_hf/hub/model_card.md"


@pytest.mark.parametrize("content", ["../model_card.md", "", "# {{ name }}, {{ repo_id }}, {{ config }}"])
def test_a_template_without_its_placeholders_is_refused(
    content: str, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first is what Git for Windows makes of a symbolic link.
    template = tmp_path / "model_card.md"
    template.write_text(content)
    monkeypatch.setattr(card_module, "_TEMPLATE", template)
    with pytest.raises(ValueError, match=r"no placeholder for .*front_matter.*restore it from the repository"):
        build_card(checkpoint, "me/net", [])


def test_no_file_of_the_repository_is_a_symbolic_link() -> None:
    listing = subprocess.run(
        ["git", "ls-files", "-s"], cwd=TEMPLATE.parent, capture_output=True, text=True, check=False
    )
    if listing.returncode != 0:
        pytest.skip("needs the git repository")
    assert [line for line in listing.stdout.splitlines() if line.startswith("120000")] == []


def test_rows_bear_the_published_name_and_the_best_is_bold(checkpoint: Path) -> None:
    card = build_card(checkpoint, "me/net", [_results(checkpoint)])
    assert "\n| 10 | jpeg | 27.770 |" in card.text
    assert "\n| 10 | net | 29.000 |" in card.text
    assert "\n| 10 | net+faithful | **29.250** |" in card.text
    assert str(checkpoint) not in card.content
    values = {entry.metric_name: entry.metric_value for entry in card.data.eval_results}
    assert values["PSNR at quality 10"] == 29.0
    assert values["PSNR at quality 10, projected onto the file"] == 29.25
    assert ModelCard(str(card)).data.to_dict() == card.data.to_dict()


@pytest.mark.parametrize("named", ["me/net", "runs/checkpoint", "checkpoint"])
def test_rows_are_found_by_folder_and_by_id(checkpoint: Path, named: str) -> None:
    assert len(build_card(checkpoint, "me/net", [_results(named)]).data.eval_results) == 6


def test_options_are_put_into_words(checkpoint: Path) -> None:
    results = _results(f"{checkpoint}+blind+realism=0.5")
    told = replace(results.scores[1], method=f"{checkpoint}+quality=30")
    card = build_card(checkpoint, "me/net", [replace(results, scores=(*results.scores[:2], told))])
    assert {entry.metric_name for entry in card.data.eval_results if entry.metric_name.startswith("PSNR at")} == {
        "PSNR at quality 10, blind (without quantization tables), realism 0.5",
        "PSNR at quality 10, with the tables of quality 30",
    }


def test_results_of_lives_are_refused(checkpoint: Path) -> None:
    lives = tuple(replace(score, quality=None, life="20>90") for score in _results(checkpoint).scores)
    with pytest.raises(ValueError, match=r"results on LIVE1 are of lives, .*: leave this file out"):
        build_card(checkpoint, "me/net", [replace(_results(checkpoint), scores=lives)])


def test_results_of_something_else_are_refused(checkpoint: Path) -> None:
    with pytest.raises(ValueError, match=r"results on LIVE1 have rows of jpeg, other, .* none of 'checkpoint'"):
        build_card(checkpoint, "me/net", [_results("other")])
    alone = replace(_results("checkpoint"), scores=_results("checkpoint").scores[1:])
    with pytest.raises(ValueError, match="none of 'jpeg', its input"):
        build_card(checkpoint, "me/net", [alone])


def test_nothing_is_claimed_without_its_file(checkpoint: Path) -> None:
    card = build_card(checkpoint, "me/net", [])
    for absent in ("## Results", "## Training", "before_after.png", "discriminator", "Trained on JPEG", "Not trained"):
        assert absent not in card.text
    assert card.data.eval_results is None


def test_files_of_the_folder_are_taken_up(checkpoint: Path) -> None:
    (checkpoint / "training_data.md").write_text("Pictures: mine, CC0.\n")
    (checkpoint / "before_after.png").touch()
    arguments = {"max_train_steps": 36_000, "dataset_name": "me/pictures", "min_quality": 7, "max_quality": 93}
    (checkpoint / "training_args.json").write_text(json.dumps({**arguments, "offset_share": 0.0}))
    card = build_card(checkpoint, "me/net", [])
    for line in ("| steps | 36,000 |", "| data set | me/pictures |", "Pictures: mine, CC0."):
        assert f"\n{line}\n" in card.text
    assert "(before_after.png)" in card.text
    assert "- Trained on JPEG qualities 7 to 93.\n- Not trained on pictures that were cropped" in card.text
    assert card.data.datasets == ["me/pictures"]


@pytest.mark.parametrize(("start", "without"), [(9, True), (8, False)])
def test_the_card_says_if_there_was_no_discriminator(checkpoint: Path, start: int, without: bool) -> None:
    arguments = {"max_train_steps": 9, "adversarial_start_step": start}
    (checkpoint / "training_args.json").write_text(json.dumps(arguments))
    assert ("- Trained without a discriminator" in build_card(checkpoint, "me/net", []).text) == without


def test_the_card_states_the_steps_that_were_taken(checkpoint: Path) -> None:
    arguments = {"max_train_steps": 20_000, "max_train_minutes": 12.0, "global_step": 34_567}
    (checkpoint / "training_args.json").write_text(json.dumps(arguments))
    text = build_card(checkpoint, "me/net", []).text
    assert "| steps | 34,567 |" in text
    assert "20,000" not in text


def test_a_local_data_set_is_named_without_its_place(checkpoint: Path) -> None:
    place = str(checkpoint.parent)
    (checkpoint / "training_args.json").write_text(json.dumps({"dataset_name": place, "teacher": place}))
    card = build_card(checkpoint, "me/net", [])
    assert f"| data set | {checkpoint.parent.name} |" in card.text
    assert f"| teacher | {checkpoint.parent.name} |" in card.text
    assert str(checkpoint.parent) not in card.content
    assert card.data.datasets is None


def test_the_limits_are_those_of_the_configuration(
    tmp_path: Path, plain_config: ArganConfig, residual_config: ArganConfig
) -> None:
    for config, limited in ((plain_config, True), (residual_config, False)):
        model = ArganForImageRestoration(config)
        model.save_pretrained(tmp_path / config.block_type)
        text = build_card(tmp_path / config.block_type, "me/net", []).text
        assert ("- Luma only." in text) == limited
        assert ("- Blind" in text) == limited
        assert f"| parameters | {sum(weights.numel() for weights in model.parameters()):,} |" in text
        assert f"| kind of blocks | {config.block_type} |" in text


def test_a_network_whose_code_does_not_travel_is_offered_with_the_package_only() -> None:
    assert "trust_remote_code" not in build_card(CHECKPOINTS / "d3-q10", "me/d3", []).text
    assert "trust_remote_code" in build_card(CHECKPOINTS / "argan-jpeg-luma", "me/luma", []).text


def test_a_card_needs_no_weights(checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(checkpoint, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    assert "# net" in build_card(tmp_path / "bare", "me/net", []).text
