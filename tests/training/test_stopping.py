"""Faults around a run: each ends in one sentence that names the last good training checkpoint, and costs none.

The runs are processes, the signals are sent, the disks are full.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

import train
from argan_hf.training.checkpointing import checkpoints, find_checkpoint
from argan_hf.training.stopping import DataSetError
from argan_hf.training.trainer import ArganTrainer
from tests.training.test_distributed import ROOT, _command, _start, _train_arguments

pytestmark = pytest.mark.slow

NETWORK = {"hidden_sizes": [4, 8]}
SIGNALS = pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])


def _flags(pattern: str, folder: Path, **changes: object) -> list[str]:
    return _train_arguments(pattern, folder, **{"model": json.dumps(NETWORK), "gray_share": 0, **changes})


def _stop(command: list[str], when: Callable[[], object], *signals: int) -> tuple[int, str]:
    """Start a run, send it signals when something holds; returns its exit code and what it printed."""
    process = _start(command)
    end = time.monotonic() + 120
    while not when() and time.monotonic() < end and process.poll() is None:
        time.sleep(0.01)
    for number in signals:
        os.killpg(process.pid, number) if process.pid == os.getpgid(process.pid) else process.send_signal(number)
        time.sleep(0.05)
    output, _ = process.communicate(timeout=120)
    return process.returncode, output.decode()


def _sentences(output: str) -> list[str]:
    """What `train.py` complains about, by all processes."""
    assert "Traceback" not in output, output
    return sorted(set(re.findall(r"^train\.py: .*", output, re.MULTILINE)))


def _stopped_at(output: str, folder: Path) -> list[str]:
    """The sentence of a run that stopped with a training checkpoint."""
    last = checkpoints(folder)[-1]
    words = f"the last training checkpoint is {last}: --resume_from_checkpoint {last} goes on from there"
    return [f"train.py: stopped at step {last.name.split('-')[1]}; {words}"]


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.extra)]
)
def test_a_stopped_run_goes_on_where_it_was(picture_parquet: str, tmp_path: Path, number: int, code: int) -> None:
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    run = {"lr_scheduler": "constant", "checkpointing_steps": 4000, "adversarial_start_step": 4000}
    long = _flags(picture_parquet, stopped, **run, max_train_steps=4000, validation_steps=4)
    returned, output = _stop(_command(ROOT / "train.py", 1, *long), (stopped / "validation.jsonl").exists, number)
    assert (returned, _sentences(output)) == (code, _stopped_at(output, stopped))
    assert not list(stopped.glob("*.partial"))
    assert not (stopped / "model.safetensors").exists()
    # Where it stopped depends on the machine. It goes on for some steps, and is compared there.
    end = {"max_train_steps": int(checkpoints(stopped)[-1].name.split("-")[1]) + 5, "validation_steps": 4000}
    assert train.main(_flags(picture_parquet, stopped, **run, **end, resume_from_checkpoint="latest")) == 0
    assert train.main(_flags(picture_parquet, whole, **run, **end)) == 0
    one, two = (load_file(folder / "model.safetensors") for folder in (stopped, whole))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.extra
def test_all_processes_stop_after_the_same_step(picture_parquet: str, tmp_path: Path) -> None:
    """Only one of them gets the signal."""
    folder = tmp_path / "run"
    long = {"max_train_steps": 4000, "checkpointing_steps": 4000, "validation_steps": 4}
    process = _start(_command(ROOT / "train.py", 2, *_flags(picture_parquet, folder, **long)))
    end = time.monotonic() + 120
    while not (folder / "validation.jsonl").exists() and time.monotonic() < end:
        time.sleep(0.05)
    workers = psutil.Process(process.pid).children()
    workers[-1].send_signal(signal.SIGINT)
    output = process.communicate(timeout=120)[0].decode()
    assert _stopped_at(output, folder)[0] in output
    assert find_checkpoint("latest", folder)
    assert len(list(checkpoints(folder)[-1].glob("process_*.pt"))) == 2


def test_a_second_ctrl_c_stops_at_once(picture_parquet: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    slow = {"max_train_steps": 4000, "checkpointing_steps": 2, "train_batch_size": 512, "validation_steps": 1000}
    returned, output = _stop(
        _command(ROOT / "train.py", 1, *_flags(picture_parquet, folder, **slow)),
        lambda: checkpoints(folder),
        signal.SIGINT,
        signal.SIGINT,
    )
    (sentence,) = _sentences(output)
    assert re.search(rf"stopped at once; the last training checkpoint is {folder}/checkpoint-\d+: --resume", sentence)
    assert returned == 130
    assert find_checkpoint("latest", folder)
    assert not list(folder.glob("*.partial"))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143)])
def test_a_signal_before_the_first_step_writes_nothing(
    picture_parquet: str, tmp_path: Path, number: int, code: int
) -> None:
    folder = tmp_path / "run"
    command = _command(ROOT / "train.py", 1, *_flags(picture_parquet, folder, validation_pictures=8))
    returned, output = _stop(command, folder.exists, number)
    assert returned == code
    assert _sentences(output) == ["train.py: interrupted before the first step; nothing was written"]
    assert list(folder.iterdir()) == []


def test_ctrl_c_while_libraries_are_imported(tmp_path: Path) -> None:
    process = _start(_command(ROOT / "train.py", 1, "--help"))
    loading = psutil.Process(process.pid)
    while not any("libtorch_cpu" in file.path for file in loading.memory_maps()):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    output = process.communicate(timeout=60)[0].decode()
    assert _sentences(output) == ["train.py: interrupted before the first step; nothing was written"]
    assert process.returncode == 130


@SIGNALS
def test_a_signal_while_the_result_is_exported(picture_parquet: str, tmp_path: Path, number: int, code: int) -> None:
    folder = tmp_path / "run"
    few = {"max_train_steps": 8, "checkpointing_steps": 8, "validation_pictures": 8}
    command = _command(ROOT / "train.py", 1, *_flags(picture_parquet, folder, **few))
    returned, output = _stop(command, (folder / ".export.partial").exists, number)
    words = f"the last training checkpoint is {folder}/checkpoint-8: --resume_from_checkpoint {folder}/checkpoint-8"
    assert _sentences(output) == [f"train.py: the export: stopped at once; {words} goes on from there"]
    assert returned == code
    assert not (folder / ".export.partial").exists()
    assert not (folder / "model.safetensors").exists()


_ONE_FAILS = """
import sys
import train
from argan_hf.training.trainer import ArganTrainer

draw_batch = ArganTrainer.draw_batch

def draw(trainer):
    if trainer.progress.step == 7 and trainer.accelerator.process_index == 1:
        raise OSError("the data set cannot be read any further: no connection")
    return draw_batch(trainer)

ArganTrainer.draw_batch = draw
sys.exit(train.main(sys.argv[1:]))
"""


@pytest.mark.extra
def test_a_process_that_fails_ends_the_others_in_a_sentence(picture_parquet: str, tmp_path: Path) -> None:
    script, folder = tmp_path / "one_fails.py", tmp_path / "run"
    script.write_text(_ONE_FAILS)
    process = _start(_command(script, 2, *_flags(picture_parquet, folder)))
    output = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 1
    # A bar has no line break at its end, and the launcher prints a traceback of its own.
    assert "train.py: step 7: the data set cannot be read any further: no connection; the last training" in output
    assert "train.py: step 7: another process of the run has ended, and says why; the last training" in output
    assert "[rank0]" not in output


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)  # files of it are still mapped into memory


def test_a_full_disk_costs_no_checkpoint(
    picture_parquet: str, small_disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, ballast = small_disk / "run", small_disk / "ballast"
    few = {"max_train_steps": 8, "checkpointing_steps": 4, "checkpoints_total_limit": 9, "reservoir_mib": 4}
    first = _flags(picture_parquet, folder, **{**few, "max_train_steps": 4})
    assert train.main(first) == 0
    kept, export = checkpoints(folder)[-1], (folder / "model.safetensors").read_bytes()
    resumed = [*_flags(picture_parquet, folder, **few), "--resume_from_checkpoint", "latest"]
    size = sum(path.stat().st_size for path in kept.rglob("*") if path.is_file())
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    assert size < free
    # The disk fills up at different places: at the first file of a training checkpoint, in its middle, at the export.
    for left in (0, 4096, size // 2, size - 8192):
        ballast.unlink(missing_ok=True)
        ballast.write_bytes(bytes(free - left))
        capsys.readouterr()
        assert train.main(resumed) == 2
        complaint = capsys.readouterr().err.splitlines()[-1]
        assert complaint.startswith("train.py: ")
        assert "No space left" in complaint or "is the disk full?" in complaint
        assert f"the last training checkpoint is {kept}: --resume_from_checkpoint {kept}" in complaint or left == 0
        assert checkpoints(folder) == [kept]
        assert not list(folder.glob("*.partial"))
        assert (folder / "model.safetensors").read_bytes() == export
    ballast.unlink()
    assert train.main(resumed) == 0


@pytest.mark.parametrize("limit", [20_000])
def test_a_file_that_cannot_be_written_to_its_end_costs_no_checkpoint(
    picture_parquet: str, tmp_path: Path, limit: int
) -> None:
    folder = tmp_path / "run"
    few = {
        "max_train_steps": 8,
        "checkpointing_steps": 4,
        "validation_pictures": 0,
        "model": '{"hidden_sizes": [16, 64]}',
    }
    assert train.main(_flags(picture_parquet, folder, **{**few, "max_train_steps": 4})) == 0
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    resumed = [*_flags(picture_parquet, folder, **few), "--resume_from_checkpoint", "latest"]
    limited = (
        "import resource, sys, train;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}));"
        "sys.exit(train.main(sys.argv[1:]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", limited, *resumed], cwd=ROOT, check=False, capture_output=True, text=True
    )
    (sentence,) = _sentences(ended.stderr)
    assert ended.returncode == 2
    assert "File too large" in sentence or "cannot be written" in sentence
    assert f"the last training checkpoint is {folder / 'checkpoint-4'}: " in sentence
    assert all(path.read_bytes() == data for path, data in before.items())
    assert not list(folder.glob("*.partial"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": '{"hidden_sizes": [8, 8]}'}, "model.hidden_sizes [4, 8], not [8, 8]"),
        ({"model_type": "ar_cnn", "model": '{"hidden_sizes": [4, 4, 4]}'}, "model.model_type argan, not ar_cnn"),
        ({"discriminator": '{"hidden_sizes": [4, 8]}'}, "discriminator.hidden_sizes [64, 128, 256, 512], not [4, 8]"),
        ({"adversarial_start_step": 3}, "adversarial_start_step 2, not 3"),
        (
            {"adversarial_start_step": 99},
            "a discriminator, and the adversarial_start_step of this one is not below its max",
        ),
        ({"optimizer": "muon"}, "optimizer adam, not muon"),
    ],
)
def test_a_run_with_other_settings_is_not_resumed(
    picture_parquet: str, tmp_path: Path, change: dict[str, object], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {"max_train_steps": 4, "checkpointing_steps": 4, "validation_pictures": 0, "adversarial_start_step": 2}
    assert train.main(_flags(picture_parquet, tmp_path, **few)) == 0
    capsys.readouterr()
    longer = {**few, "max_train_steps": 8, "resume_from_checkpoint": "latest"}
    assert train.main(_flags(picture_parquet, tmp_path, **{**longer, **change})) == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert f"train.py: {tmp_path / 'checkpoint-4'} was written by a run with " in complaint
    assert words in complaint
    assert train.main(_flags(picture_parquet, tmp_path, **longer)) == 0


def test_faults_of_data_and_memory_name_the_last_checkpoint(
    picture_parquet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = {"max_train_steps": 8, "checkpointing_steps": 2, "validation_pictures": 0}
    draw = ArganTrainer.draw_batch
    for number, (error, words) in enumerate(
        [
            (OSError("the data set cannot be read any further: no connection"), "no connection; "),
            (torch.OutOfMemoryError("CUDA out of memory"), "there is too little memory: lower --train_batch_size"),
            (DataSetError("512 records in a row held no picture"), "512 records in a row held no picture; "),
            (ZeroDivisionError("a fault of the program"), None),
            (ValueError("another one"), None),
        ]
    ):

        def drawn(self: ArganTrainer, error: Exception = error) -> object:
            if self.progress.step == 3:
                raise error
            return draw(self)

        monkeypatch.setattr(ArganTrainer, "draw_batch", drawn)
        flags = _flags(picture_parquet, tmp_path / str(number), **few)
        if words is None:
            with pytest.raises(type(error), match=str(error)):
                train.main(flags)
            continue
        assert train.main(flags) == 2
        complaint = capsys.readouterr().err.splitlines()[-1]
        assert complaint.startswith("train.py: step 3: ")
        assert words in complaint
        assert f"the last training checkpoint is {tmp_path / str(number) / 'checkpoint-2'}" in complaint


def test_an_export_that_cannot_be_published_is_there(
    picture_parquet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("argan_hf.training.trainer.check_token", lambda: None)
    few = {"max_train_steps": 4, "push_to_hub": True, "hub_model_id": "no such name"}
    assert train.main(_flags(picture_parquet, tmp_path, **few)) == 2
    complaint = capsys.readouterr().err.splitlines()[-1]
    assert f"train.py: {tmp_path} holds the whole export, but it was not published: " in complaint
    assert complaint.endswith(f"; try again with argan publish {tmp_path} 'no such name'")
    assert (tmp_path / "model.safetensors").is_file()
