import shutil
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from argan_hf.training.checkpointing import (
    checkpoints,
    find_checkpoint,
    latest_checkpoint,
    load_checkpoint,
    set_newer_aside,
)
from argan_hf.training.checkpointing import save_checkpoint as save


@pytest.fixture
def accelerator() -> Accelerator:
    accelerator = Accelerator()
    accelerator.prepare(torch.nn.Linear(2, 2))
    return accelerator


SETTINGS = {"model": {"hidden_sizes": [4, 8], "model_type": "argan"}, "discriminator": None, "optimizer": "adam"}


def save_checkpoint(accelerator: Accelerator, folder: Path, own_state: dict[str, Any], *, total_limit: int) -> None:
    save(accelerator, folder, own_state, settings=SETTINGS, total_limit=total_limit)


def _names(folder: Path) -> list[str]:
    return [path.name for path in checkpoints(folder)]


def test_the_oldest_go_and_order_is_by_number(accelerator: Accelerator, tmp_path: Path) -> None:
    for step in (5, 20, 100):
        save_checkpoint(accelerator, tmp_path / f"checkpoint-{step}", {"step": step}, total_limit=2)
    assert _names(tmp_path) == ["checkpoint-20", "checkpoint-100"]
    assert latest_checkpoint(tmp_path) == find_checkpoint("latest", tmp_path) == tmp_path / "checkpoint-100"


def test_what_was_saved_comes_back(accelerator: Accelerator, tmp_path: Path) -> None:
    network = accelerator._models[0]
    before = network.weight.clone()
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"step": 1}, total_limit=1)
    torch.nn.init.zeros_(network.weight)
    states: list[dict[str, int]] = []
    load_checkpoint(accelerator, tmp_path / "checkpoint-1", states.append, settings=SETTINGS)
    assert torch.equal(network.weight, before)
    assert states == [{"step": 1}]


def test_a_failed_write_leaves_the_last_checkpoint_and_the_next_one_succeeds(
    accelerator: Accelerator, tmp_path: Path
) -> None:
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"step": 1}, total_limit=1)
    with pytest.raises((TypeError, AttributeError, RuntimeError)):
        save_checkpoint(accelerator, tmp_path / "checkpoint-2", {"step": (x for x in "ab")}, total_limit=1)
    assert _names(tmp_path) == ["checkpoint-1"]
    save_checkpoint(accelerator, tmp_path / "checkpoint-2", {"step": 2}, total_limit=1)
    assert _names(tmp_path) == ["checkpoint-2"]
    assert not list(tmp_path.glob("*.partial"))


def test_a_checkpoint_of_the_same_step_is_replaced_and_leftovers_of_a_broken_one_are_gone(
    accelerator: Accelerator, tmp_path: Path
) -> None:
    (tmp_path / "checkpoint-1.partial").mkdir()
    (tmp_path / "checkpoint-1.partial" / "process_7.pt").touch()
    states: list[dict[str, int]] = []
    for value in (1, 2):
        save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"value": value}, total_limit=1)
        load_checkpoint(accelerator, tmp_path / "checkpoint-1", states.append, settings=SETTINGS)
    assert states == [{"value": 1}, {"value": 2}]
    assert _names(tmp_path) == ["checkpoint-1"]


def test_a_checkpoint_that_would_run_code_is_refused(accelerator: Accelerator, tmp_path: Path) -> None:
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"call": print}, total_limit=1)
    with pytest.raises(UnpicklingError):
        load_checkpoint(accelerator, tmp_path / "checkpoint-1", print, settings=SETTINGS)


def test_what_cannot_be_resumed_is_named(accelerator: Accelerator, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds none"):
        find_checkpoint("latest", tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match=r"'.*empty' is no complete training checkpoint"):
        find_checkpoint(str(tmp_path / "empty"), tmp_path)


def test_every_damage_is_found_and_the_newest_whole_one_named(accelerator: Accelerator, tmp_path: Path) -> None:
    for step in (1, 2, 3):
        save_checkpoint(accelerator, tmp_path / f"checkpoint-{step}", {"step": step}, total_limit=3)
    (tmp_path / "checkpoint-2" / "process_0.pt").write_bytes(b"garbage")
    folder = tmp_path / "checkpoint-3"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    assert len(files) > 3
    for file in files:
        data = file.read_bytes()
        for damaged in (data[: len(data) // 2], b"", bytes(len(data)), None):
            file.unlink() if damaged is None else file.write_bytes(damaged)
            with pytest.raises(ValueError, match=r"checkpoint-3 is .*; the newest whole one is .*checkpoint-1"):
                find_checkpoint("latest", tmp_path)
            file.write_bytes(data)
    assert find_checkpoint("latest", tmp_path) == folder
    for path in (folder, tmp_path / "checkpoint-1"):
        shutil.rmtree(path)
    with pytest.raises(
        ValueError, match=r"checkpoint-2 is damaged \(process_0\.pt is not as it was written\).*no other"
    ):
        find_checkpoint("latest", tmp_path)


def test_another_version_is_named(accelerator: Accelerator, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint-1"
    save_checkpoint(accelerator, folder, {"step": 1}, total_limit=1)
    manifest = folder / "checkpoint.json"
    manifest.write_text(manifest.read_text().replace('"format": 3', '"format": 2'))
    with pytest.raises(ValueError, match="checkpoint-1 was written by another version of this package"):
        find_checkpoint("latest", tmp_path)
    manifest.unlink()  # as earlier versions left it
    with pytest.raises(ValueError, match="is not complete, or was written by another version of this package"):
        find_checkpoint("latest", tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": {"hidden_sizes": [8, 8], "model_type": "argan"}}, r"model.hidden_sizes \[4, 8\], not \[8, 8\]"),
        ({"model": {"hidden_sizes": (4, 8), "model_type": "d3"}}, "with model.model_type argan, not d3:"),
        (
            {"discriminator": {"depth": 3}},
            "with no discriminator, and the adversarial_start_step of this one is below its max",
        ),
        ({"optimizer": "muon"}, "with optimizer adam, not muon:"),
    ],
)
def test_every_difference_is_named(
    accelerator: Accelerator, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"step": 1}, total_limit=1)
    with pytest.raises(ValueError, match=words):
        load_checkpoint(accelerator, tmp_path / "checkpoint-1", print, settings=SETTINGS | change)


def test_another_number_of_processes_is_named(accelerator: Accelerator, tmp_path: Path) -> None:
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"step": 1}, total_limit=1)
    manifest = tmp_path / "checkpoint-1" / "checkpoint.json"
    manifest.write_text(manifest.read_text().replace('"num_processes": 1', '"num_processes": 2'))
    with pytest.raises(ValueError, match=r"written by a run with 2 process\(es\), not 1: resume it with the same"):
        load_checkpoint(accelerator, tmp_path / "checkpoint-1", print, settings=SETTINGS)


def test_newer_ones_are_set_aside_and_kept(accelerator: Accelerator, tmp_path: Path) -> None:
    for step in (1, 5, 20):
        save_checkpoint(accelerator, tmp_path / f"checkpoint-{step}", {"step": step}, total_limit=3)
    for name in ("superseded", "superseded-2"):  # the second time, one of the same name was set aside before
        assert set_newer_aside(tmp_path, tmp_path / "checkpoint-5") == [tmp_path / f"checkpoint-20.{name}"]
        assert _names(tmp_path) == ["checkpoint-1", "checkpoint-5"]
        save_checkpoint(accelerator, tmp_path / "checkpoint-20", {"step": 20}, total_limit=3)


def test_what_is_resumed_is_known_under_any_name(accelerator: Accelerator, tmp_path: Path) -> None:
    for step in (1, 5, 20):
        save_checkpoint(accelerator, tmp_path / f"checkpoint-{step}", {"step": step}, total_limit=3)
    (tmp_path / "last").symlink_to("checkpoint-20")
    assert set_newer_aside(tmp_path, tmp_path / "last") == []
    (tmp_path / "checkpoint-5").rename(tmp_path / "keep")
    assert set_newer_aside(tmp_path, tmp_path / "keep") == [tmp_path / "checkpoint-20.superseded"]
    # One that was set aside, and then another of the same step, are two.
    save_checkpoint(accelerator, tmp_path / "checkpoint-20", {"step": 21}, total_limit=3)
    aside = tmp_path / "checkpoint-20.superseded"
    assert set_newer_aside(tmp_path, aside) == [tmp_path / "checkpoint-20.superseded-2"]
    assert torch.load(aside / "process_0.pt") == {"step": 20}
    assert _names(tmp_path) == ["checkpoint-1"]


def test_an_old_one_behind_a_link_does_not_stop_a_run(accelerator: Accelerator, tmp_path: Path) -> None:
    save_checkpoint(accelerator, tmp_path / "other" / "checkpoint-1", {"step": 1}, total_limit=1)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "checkpoint-1").symlink_to(tmp_path / "other" / "checkpoint-1")
    (tmp_path / "run" / "checkpoint-2").touch()  # a file is none
    save_checkpoint(accelerator, tmp_path / "run" / "checkpoint-3", {"step": 3}, total_limit=1)
    assert _names(tmp_path / "run") == ["checkpoint-3"]
    assert find_checkpoint(str(tmp_path / "other" / "checkpoint-1"), tmp_path)


@pytest.mark.parametrize(
    "change", ['{"format": 3, "files": {}}', '{"format": 3, "step": 1, "files": {"a": "b"}}', "[]"]
)
def test_a_manifest_of_another_shape_is_damage(accelerator: Accelerator, tmp_path: Path, change: str) -> None:
    save_checkpoint(accelerator, tmp_path / "checkpoint-1", {"step": 1}, total_limit=1)
    (tmp_path / "checkpoint-1" / "checkpoint.json").write_text(change)
    with pytest.raises(ValueError, match=r"checkpoint-1 is damaged \(checkpoint\.json"):
        find_checkpoint("latest", tmp_path)
