"""What `argan doctor` prints is true here, and it notices what does not work."""

import platform
from pathlib import Path

import pytest
import torch

from argan_hf import __version__
from argan_hf.cli import main
from argan_hf.loading import load_model


def test_the_doctor_prints_what_a_report_needs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--device", "cpu"]) == 0
    captured = capsys.readouterr()
    rows = {name: value.strip() for name, _, value in (line.partition(":") for line in captured.out.splitlines())}
    assert rows["argan_hf"] == __version__
    assert rows["torch"] == torch.__version__
    assert rows["python"].startswith(platform.python_version())
    assert rows["device"] == "cpu"
    assert rows["dtype"] in ("float32", "bfloat16")
    assert rows["threads"].startswith(f"{torch.get_num_threads()} of ")
    assert rows["checkpoint"].startswith("argan-jpeg-color (")
    before, after = (float(part.split()[0]) for part in rows["restored"].split("20, ")[1].split(" -> "))
    assert after > before + 0.5
    assert captured.err == ""


def test_no_name_of_a_user_is_printed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "ada"))
    assert main(["doctor", "--model", str(tmp_path / "ada" / "network")]) == 2
    captured = capsys.readouterr()
    assert "(~/network)" in captured.out
    assert captured.err.startswith("argan: no picture can be restored: OSError: ")
    assert captured.err.count("\n") == 1


def test_a_network_that_does_not_work_is_noticed(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`checkpoint` has random weights."""
    assert main(["doctor", "--model", str(checkpoint), "--device", "cpu"]) == 2
    assert "no better than the JPEG file" in capsys.readouterr().err
    model = load_model(checkpoint)
    model.save_pretrained(tmp_path / "cut")
    weights = tmp_path / "cut" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    assert main(["doctor", "--model", str(tmp_path / "cut")]) == 2
    assert "is cut short or damaged" in capsys.readouterr().err
