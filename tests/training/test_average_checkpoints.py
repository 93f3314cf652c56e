import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from argan_hf import ArganConfig, ArganForImageRestoration, JpegRestorer
from argan_hf.training.average_checkpoints import average_checkpoints, main
from tests.conftest import scramble


@pytest.fixture
def others(checkpoint: Path, plain_config: ArganConfig, tmp_path: Path) -> list[Path]:
    """Two checkpoints of the same network as `checkpoint`, with other weights."""
    folders = []
    for index in (1, 2):
        model = scramble(ArganForImageRestoration(plain_config))
        with torch.no_grad():
            for tensor in model.state_dict().values():
                _ = tensor.mul_(1 + index) if tensor.is_floating_point() else tensor.add_(index)
        model.save_pretrained(folder := tmp_path / f"other-{index}")
        folders.append(folder)
    return folders


def test_weights_and_statistics_are_the_mean_and_counters_those_of_the_first(
    checkpoint: Path, others: list[Path], tmp_path: Path
) -> None:
    folder = average_checkpoints([checkpoint, *others], tmp_path / "mean")
    found, first = load_file(folder / "model.safetensors"), load_file(checkpoint / "model.safetensors")
    assert found.keys() == first.keys()
    assert any("running_var" in name for name in found)
    for name, tensor in found.items():
        expected = 2 * first[name] if tensor.is_floating_point() else first[name]
        assert torch.allclose(tensor, expected, rtol=1e-6)
    assert JpegRestorer.from_pretrained(folder, device="cpu")


def test_two_are_averaged_as_well_and_the_folder_loads_as_a_pipeline(
    checkpoint: Path, others: list[Path], tmp_path: Path
) -> None:
    folder = average_checkpoints([checkpoint, others[0]], tmp_path / "mean")
    found, first = load_file(folder / "model.safetensors"), load_file(checkpoint / "model.safetensors")
    for name, tensor in found.items():
        expected = 1.5 * first[name] if tensor.is_floating_point() else first[name]
        assert torch.allclose(tensor, expected, rtol=1e-6)
    for name in ("preprocessor_config.json", "pipeline_argan.py", "modeling_argan.py"):
        assert (folder / name).is_file()


def test_the_mean_of_equal_weights_is_those_weights(tmp_path: Path) -> None:
    name = "argan-jpeg-color"
    folder = average_checkpoints([name, name, name], tmp_path / "mean", float16=True)
    shipped = Path(__file__).parents[2] / "argan_hf" / "checkpoints" / name
    assert (folder / "model.safetensors").read_bytes() == (shipped / "model.safetensors").read_bytes()


def test_other_networks_and_lone_checkpoints_are_refused(
    checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for names, words in (
        ([str(checkpoint)], "at least two checkpoints, found 1"),
        ([str(checkpoint), "argan-jpeg-color"], "holds another network than"),
        ([str(checkpoint), str(tmp_path / "nothing")], "nothing"),
        ([str(checkpoint), str(tmp_path)], "has no config.json: give the folder of a run"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*names, "--output_dir", str(tmp_path / "mean")])
        assert stop.value.code == 2
        assert words in capsys.readouterr().err
        assert not (tmp_path / "mean").exists()


def test_a_folder_that_holds_something_is_not_written_into(checkpoint: Path, others: list[Path]) -> None:
    before = (others[0] / "model.safetensors").read_bytes()
    with pytest.raises(ValueError, match="is not empty"):
        average_checkpoints([checkpoint, others[0]], others[0])
    assert (others[0] / "model.safetensors").read_bytes() == before


def test_a_file_is_no_folder_for_a_mean(checkpoint: Path, others: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file is a file, expected a folder"):
        average_checkpoints([checkpoint, others[0]], tmp_path / "file")


_LIMITED = """
import resource, sys
from argan_hf.training.average_checkpoints import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1000, 100_000], ids=["code", "weights"])
def test_a_mean_is_written_to_its_end_or_not_at_all(tmp_path: Path, limit: int) -> None:
    folder = tmp_path / "mean"
    arguments = ["argan-jpeg-color", "argan-jpeg-color", "--output_dir", str(folder)]
    command = [sys.executable, "-c", _LIMITED, str(limit), *arguments]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "Traceback" not in ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("average_checkpoints: ")
    assert "File too large" in ended.stderr
    assert ended.returncode == 2
    assert list(folder.iterdir()) == []
    assert main(arguments) == 0
