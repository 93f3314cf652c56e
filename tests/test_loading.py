import json
import logging
import pickle
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from argan_hf import ArganForImageRestoration, DamagedCheckpointError, JpegRestorer
from argan_hf.checkpoint_files import CHECKPOINTS, weights_name
from argan_hf.cli import main
from argan_hf.defaults import REALISM_VARIANT
from argan_hf.loading import load_config, load_model
from argan_hf.training.teacher import Teacher


def _bytes(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Damage of the weights as a file."""

    def damage(folder: Path) -> None:
        path = folder / "model.safetensors"
        path.write_bytes(change(path.read_bytes()))

    return damage


def _weights(change: Callable[[dict[str, Tensor]], object]) -> Callable[[Path], None]:
    """Damage of the weights as tensors."""

    def damage(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})

    return damage


def _config(**changes: object) -> Callable[[Path], None]:
    """Damage of entries of the configuration."""

    def damage(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def _text(text: str | bytes) -> Callable[[Path], None]:
    """Damage of the configuration as a file."""
    data = text.encode() if isinstance(text, str) else text
    return lambda folder: (folder / "config.json").write_bytes(data) and None


class _Trap:
    """Leaves a trace where its pickle is opened."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.trace,)


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(pickle.dumps(_Trap(folder / "it ran")))


def _only_pickle(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(_Trap(folder / "it ran")))


def _pickled_shards(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    index = {"metadata": {"total_size": 1}, "weight_map": dict.fromkeys(weights, "pytorch_model.bin")}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _set(value: float) -> Callable[[dict[str, Tensor]], object]:
    return lambda weights: weights["unet.head.weight"].view(-1)[3:4].fill_(value)


_DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "cut short": (_bytes(lambda data: data[:-100]), "model.safetensors of .* is cut short or damaged"),
    "cut in its header": (_bytes(lambda data: data[:50]), "is cut short or damaged"),
    "empty": (_bytes(lambda data: b""), r"is cut short or damaged.*\(0 bytes"),
    "random": (_bytes(lambda data: torch.randint(256, (999,)).byte().numpy().tobytes()), "is cut short or damaged"),
    "pickle": (_pickled, "is a pickle, which is never read"),
    "only a pickle": (_only_pickle, r"holds no model\.safetensors \(pickles such as pytorch_model\.bin are not read"),
    "pickled shards": (_pickled_shards, r"holds no model\.safetensors"),
    "pickle that the configuration names": (_config(transformers_weights="adapter_model.bin"), "transformers_weights"),
    "NaN": (_weights(_set(float("nan"))), "holds NaN or infinity in unet.head.weight"),
    "infinity": (_weights(_set(float("-inf"))), "holds NaN or infinity in unet.head.weight"),
    "a tensor missing": (_weights(lambda w: w.pop("unet.head.weight")), "unet.head.weight is missing"),
    "running means missing": (
        _weights(lambda w: [w.pop(name) for name in list(w) if "running_mean" in name]),
        r"running_mean \(and 3 more\) is missing",
    ),
    "a tensor too many": (_weights(lambda w: w.update(stray=torch.zeros(1))), "stray is one tensor too many"),
    "no tensors": (_weights(lambda w: w.clear()), r"\(and \d+ more\) is missing"),
    "deeper": (_config(hidden_sizes=[4, 8, 8, 8]), "does not belong to its config.json: unet"),
    "shallower": (_config(hidden_sizes=[4, 8]), "does not belong to its config.json: unet"),
    "wider": (_config(hidden_sizes=[4, 8, 16]), r"unet.* has the shape \(.*\), expected \("),
    "of the other kind": (_config(block_type="residual", depths=[1, 1, 1]), "does not belong to its config.json"),
    "far too wide": (_config(hidden_sizes=[10**6, 10**6]), "expected at most the memory of this machine"),
    "far too deep": (_config(block_type="residual", depths=[10**7] * 3), "expected at most the memory"),
    "of negative width": (_config(hidden_sizes=[4, -8, 8]), "must be 1 or more, found -8"),
    "off the grid of tiles": (
        _config(tile_margin=77),
        "tile_margin must be a multiple of the size divisor 8 in 0..4096",
    ),
    "of negative margin": (_config(tile_margin=-8), "found -8"),
    "of no width": (_config(hidden_sizes=[]), "describes no network that can be built"),
    "words for widths": (_config(hidden_sizes="wide"), "describes no network that can be built"),
    "unknown dtype": (_config(dtype="float17"), "config.json"),
    "unknown quantization": (_config(quantization_config={"quant_method": "gguf"}), "entry quantization_config"),
    "no JSON": (_text('{"model_type": "argan", '), "config.json of .* is no JSON"),
    "no text": (_text(b"\xff\x00\xfe" * 40), "config.json of .* is no JSON"),
    "nested": (_text("[" * 100_000), "config.json of .* is no JSON"),
    "a list": (_text("[1, 2]"), "expected a JSON object with a model_type"),
    "no model_type": (_text("{}"), "expected a JSON object with a model_type"),
    "another program's": (_text('{"model_type": "bert"}'), "network of the type 'bert' without num_channels"),
    "unknown model_type": (_text('{"model_type": "foreign"}'), "unknown model_type 'foreign'"),
}


def _is_one_sentence(text: str) -> bool:
    return len(text.splitlines()) == 1 and len(text) < 700 and not text.startswith("Traceback")


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_damaged_checkpoint_ends_in_one_sentence(
    damage: str, checkpoint: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    harm, words = _DAMAGES[damage]
    harm(checkpoint)
    kind = OSError if words.startswith("holds no") else DamagedCheckpointError
    logging.getLogger("transformers").addHandler(caplog.handler)
    try:
        with pytest.raises(kind, match=words) as raised:
            load_model(checkpoint)
    finally:
        logging.getLogger("transformers").removeHandler(caplog.handler)
    assert _is_one_sentence(str(raised.value))
    assert str(checkpoint) in str(raised.value)
    assert "LOAD REPORT" not in caplog.text + capfd.readouterr().err
    assert not (checkpoint / "it ran").exists()


@pytest.mark.parametrize("damage", _DAMAGES)
def test_commands_print_that_sentence_and_fail(
    damage: str, checkpoint: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    harm, words = _DAMAGES[damage]
    harm(checkpoint)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    shutil.copy(Path(__file__).parent / "jpeg" / "data" / "440.jpg", pictures)
    for command in (
        ["restore", str(pictures), "-o", str(tmp_path / "out"), "--model", str(checkpoint)],
        ["evaluate", "--data", str(pictures), "--methods", str(checkpoint), "--qualities", "20"],
        ["publish", str(checkpoint), "me/net", "--dry-run"],
    ):
        assert main(command) == 2
        captured = capfd.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("argan: ")
        assert captured.err.count("argan: ") == 1
        assert _is_one_sentence(captured.err)
        assert re.search("lacks" if command[0] == "publish" and "holds no" in words else words, captured.err)
    assert not (tmp_path / "out").exists()
    assert not (checkpoint / "it ran").exists()


def test_a_damaged_variant_is_not_taken_for_none(checkpoint: Path, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    path = checkpoint / weights_name(REALISM_VARIANT)
    path.write_bytes((checkpoint / "model.safetensors").read_bytes()[:-4])
    restorer = JpegRestorer.from_pretrained(checkpoint, device="cpu")
    with pytest.raises(DamagedCheckpointError, match=r"model\.realism\.safetensors of .* is cut short"):
        restorer.model_at(0.5)
    picture = str(Path(__file__).parent / "jpeg" / "data" / "440.jpg")
    assert (
        main(["restore", picture, "-o", str(checkpoint / "a.png"), "--model", str(checkpoint), "--realism", "1"]) == 2
    )
    assert main(["publish", str(checkpoint), "me/net", "--dry-run"]) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all("model.realism.safetensors" in line and "is cut short" in line for line in lines)


def test_a_damaged_teacher_teaches_nothing(checkpoint: Path) -> None:
    _DAMAGES["a tensor missing"][0](checkpoint)
    with pytest.raises(ValueError, match=r"teacher .* unet\.head\.weight is missing"):
        Teacher(str(checkpoint), 1, torch.device("cpu"))


def test_counters_of_training_steps_may_be_missing(checkpoint: Path) -> None:
    whole = load_model(checkpoint).state_dict()
    _weights(lambda w: [w.pop(name) for name in list(w) if "num_batches_tracked" in name])(checkpoint)
    weights = load_model(checkpoint).state_dict()
    assert all(torch.equal(weights[name], whole[name]) for name in weights if "num_batches" not in name)


def test_the_report_of_transformers_is_silent_only_here(
    checkpoint: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _DAMAGES["a tensor missing"][0](checkpoint)
    with pytest.raises(DamagedCheckpointError):
        load_model(checkpoint)
    monkeypatch.setattr(logging.getLogger("transformers"), "propagate", True)
    ArganForImageRestoration.from_pretrained(checkpoint)
    assert "LOAD REPORT" in caplog.text


@pytest.mark.parametrize("folder", sorted(CHECKPOINTS.iterdir()), ids=lambda folder: folder.name)
def test_shipped_checkpoints_are_whole(folder: Path) -> None:
    model = load_model(folder.name)
    assert type(model.config) is type(load_config(folder.name))
    assert not model.training
    if (folder / weights_name(REALISM_VARIANT)).is_file():
        load_model(folder.name, variant=REALISM_VARIANT)


def test_what_is_not_there_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"holds no config\.json"):
        load_model(tmp_path)
    with pytest.raises(OSError, match=r"cached files|valid model identifier") as raised:
        load_model("no/such-network")
    assert not isinstance(raised.value, FileNotFoundError)


@pytest.mark.parametrize("dtype", [torch.int32, torch.bool, torch.complex64])
def test_weights_that_are_no_floating_point_numbers_are_refused(tmp_path: Path, dtype: torch.dtype) -> None:
    folder = tmp_path / "network"
    shutil.copytree(CHECKPOINTS / "argan-jpeg-color", folder)
    weights = load_file(folder / "model.safetensors")
    name = next(iter(weights))
    save_file(weights | {name: weights[name].to(dtype)}, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(DamagedCheckpointError, match=f"in {re.escape(name)}, expected one of F16"):
        load_model(folder)


def test_a_configuration_that_asks_for_halves_gives_whole_numbers(tmp_path: Path, photo: Image.Image) -> None:
    folder = tmp_path / "network"
    shutil.copytree(CHECKPOINTS / "argan-jpeg-color", folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"dtype": "float16"}))
    assert load_model(folder).dtype == torch.float32
    assert JpegRestorer.from_pretrained(folder, device="cpu")(photo).image.size == photo.size


def test_a_configuration_that_asks_for_tuples_is_no_obstacle(
    model: ArganForImageRestoration, photo: Image.Image, tmp_path: Path
) -> None:
    expected = JpegRestorer(model, device="cpu")(photo).image
    model.config.return_dict = False
    model.save_pretrained(tmp_path)
    assert JpegRestorer.from_pretrained(tmp_path, device="cpu")(photo).image == expected
