"""The folder of a run: one run at a time, nothing of somebody else deleted, the export whole or as it was."""

from pathlib import Path

import pytest

import train
from argan_hf.training.checkpointing import checkpoints, find_checkpoint
from argan_hf.training.output_folder import check_unused, export_whole, remove_earlier_run
from tests.training.test_stopping import _flags as flags

pytestmark = pytest.mark.slow


def test_an_earlier_run_is_replaced_only_when_told(
    picture_parquet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = {"checkpointing_steps": 2, "checkpoints_total_limit": 2, "validation_steps": 2, "adversarial_start_step": 99}
    assert train.main(flags(picture_parquet, tmp_path, **run, max_train_steps=6)) == 0
    (tmp_path / "notes.txt").write_text("mine")
    before = (tmp_path / "model.safetensors").read_bytes()
    again = {**run, "max_train_steps": 2, "seed": 1}
    assert train.main(flags(picture_parquet, tmp_path, **again)) == 2
    assert "holds an earlier run (checkpoint-4, checkpoint-6, model.safetensors, " in capsys.readouterr().err
    # A run that cannot begin costs nothing.
    wrong = flags("no/such/file.parquet", tmp_path, **again, overwrite_output_dir=True)
    assert train.main(wrong) == 2
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-4", "checkpoint-6"]
    assert train.main(flags(picture_parquet, tmp_path, **again, overwrite_output_dir=True)) == 0
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-2"]
    assert len((tmp_path / "validation.jsonl").read_text().splitlines()) == 1
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert (tmp_path / "model.safetensors").read_bytes() != before
    # Another run's training checkpoint is not gone on with in a folder that is used.
    other = flags(picture_parquet, tmp_path / "b", **run, max_train_steps=2)
    assert train.main(other) == 0
    mixed = flags(
        picture_parquet, tmp_path, **run, max_train_steps=4, resume_from_checkpoint=tmp_path / "b/checkpoint-2"
    )
    assert train.main(mixed) == 2


def test_going_back_sets_newer_training_checkpoints_aside(picture_parquet: str, tmp_path: Path) -> None:
    run = {"checkpointing_steps": 2, "checkpoints_total_limit": 3, "max_train_steps": 6, "validation_pictures": 0}
    assert train.main(flags(picture_parquet, tmp_path, **run)) == 0
    back = {**run, "max_train_steps": 4, "resume_from_checkpoint": tmp_path / "checkpoint-2"}
    assert train.main(flags(picture_parquet, tmp_path, **back)) == 0
    names = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
    assert names == ["checkpoint-2", "checkpoint-4", "checkpoint-4.superseded", "checkpoint-6.superseded"]


def test_nothing_of_an_earlier_run_is_left_and_nothing_else_is_deleted(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "run"
    of_runs = [
        "checkpoint-2/checkpoint.json",
        "checkpoint-3/process_0.pt",
        "checkpoint-4.superseded/checkpoint.json",
        "checkpoint-4.superseded-2/checkpoint.json",
        "checkpoint-6.partial/a",
        ".export.partial/a",
        "samples/step-2.png",
        "validation.jsonl",
        "argan/events.out.tfevents.1.host.2.0",
    ]
    others = [
        "model.safetensors",
        "checkpoint-mine/a",
        "checkpoint-7/a",
        "samples/a.png",
        "checkpoint-a.partial",
        "argan/notes",
        "checkpoints.txt",
    ]
    for name in of_runs + others:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (elsewhere / "a").touch()
    (folder / "checkpoint-8").symlink_to(elsewhere)
    remove_earlier_run(folder)
    left = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert left == sorted(others)
    assert not (folder / "checkpoint-8").is_symlink()
    assert (elsewhere / "a").exists()


def test_a_log_alone_is_no_run_to_go_on_with(tmp_path: Path) -> None:
    check_unused(tmp_path)
    (tmp_path / "validation.jsonl").touch()
    with pytest.raises(ValueError, match=r"an earlier run \(validation\.jsonl\): choose another --output_dir, or let"):
        check_unused(tmp_path)
    (tmp_path / "checkpoint-2").mkdir()
    with pytest.raises(ValueError, match=r"\(checkpoint-2, validation\.jsonl\): go on with it \(--resume_from"):
        check_unused(tmp_path)


def test_the_network_of_somebody_else_is_not_replaced(
    picture_parquet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("config.json", "pytorch_model.bin", "model.safetensors.index.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("theirs")
        assert train.main(flags(picture_parquet, tmp_path)) == 2
        assert f"holds an earlier run ({name}): choose another" in capsys.readouterr().err
        (tmp_path / name).unlink()
    # What a run may export is deleted only where a run exported it.
    (tmp_path / "results.json").write_text("theirs")
    export_whole(tmp_path, lambda folder: (folder / "model.safetensors").touch())
    assert (tmp_path / "results.json").read_text() == "theirs"


def test_a_run_that_cannot_begin_costs_nothing_of_the_earlier_one(
    picture_parquet: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {"max_train_steps": 4, "checkpointing_steps": 4, "adversarial_start_step": 99}
    assert train.main(flags(picture_parquet, tmp_path, **few)) == 0
    again = flags(picture_parquet, tmp_path, **few, overwrite_output_dir=True, max_train_minutes=0.0001)
    assert train.main(again) == 2
    assert "leaves no time to train" in capsys.readouterr().err
    assert find_checkpoint("latest", tmp_path) == tmp_path / "checkpoint-4"
    assert (tmp_path / "validation.jsonl").is_file()


def test_an_export_is_whole_or_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "discriminator").mkdir()
    for name in ("training_args.json", "model.safetensors", "discriminator/config.json", "results.json", "mine.txt"):
        (tmp_path / name).write_text("old")

    def export(folder: Path) -> None:
        (folder / "model.safetensors").write_text("new")
        (folder / "code").mkdir()
        (folder / "code" / "a.py").write_text("new")

    def broken(folder: Path) -> None:
        export(folder)
        raise OSError("No space left on device")

    with pytest.raises(OSError, match="No space"):
        export_whole(tmp_path, broken)
    assert {path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == {"old"}
    for _ in range(2):
        export_whole(tmp_path, export)
        contents = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in tmp_path.rglob("*.*")}
        del contents["training_args.json"]
        assert contents == {"model.safetensors": "new", "code/a.py": "new", "mine.txt": "old"}
