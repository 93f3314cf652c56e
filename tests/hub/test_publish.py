"""`argan publish` against a Hub over HTTP, and what people find there who do not have this package."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file

from argan_hf import ArganConfig, ArganDiscriminator, ArganDiscriminatorConfig, ArganForImageRestoration
from argan_hf.cli import main
from argan_hf.evaluation.results import Results
from argan_hf.evaluation.scores import PictureScore
from argan_hf.image_processing_argan import ArganImageProcessor
from tests.conftest import scramble

from .repositories import Hub
from .server import READ_TOKEN, TOKEN

pytestmark = pytest.mark.slow

_COMMANDS = """
import contextlib, io, os
from argan_hf.cli import main
result = []
for token, command in arguments[0]:
    os.environ["HF_TOKEN"] = token
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["publish", "--no-onnx", *command])
    result.append([code, out.getvalue(), err.getvalue()])
"""

_STRANGER = """
sys.modules["argan_hf"] = None  # an import of the package fails, as where it is not installed
import copy, torch
from transformers import AutoImageProcessor, AutoModel, AutoModelForImageToImage
repo_id, tag, planes_file, picture_file, out = arguments
options = {"revision": tag, "trust_remote_code": True}
# Copies, because tensors in files are aligned differently, and kernels round by alignment.
planes, picture = torch.load(planes_file).clone(), torch.load(picture_file)
model = copy.deepcopy(AutoModelForImageToImage.from_pretrained(repo_id, **options))
judge = copy.deepcopy(AutoModel.from_pretrained(repo_id, subfolder="discriminator", **options))
processor = AutoImageProcessor.from_pretrained(repo_id, **options)
with torch.no_grad():
    torch.save({
        "reconstruction": model(planes).reconstruction,
        "logits": judge(planes).logits,
        "pixel_values": processor(picture, return_tensors="pt")["pixel_values"],
    }, out)
result = [type(thing).__module__ for thing in (model, judge, processor)]
"""


@dataclass(frozen=True)
class Publication:
    """A checkpoint, and what every command line said about publishing it."""

    folder: Path
    results: Results
    said: dict[str, tuple[int, str, str]]


def _halve(path: Path) -> None:
    save_file({name: w.half() if w.ndim > 1 else w for name, w in load_file(path).items()}, path, {"format": "pt"})


@pytest.fixture(scope="module")
def publication(hub: Hub, run_on_hub: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Publication:
    folder = tmp_path_factory.mktemp("runs") / "net"
    scramble(ArganForImageRestoration(ArganConfig(hidden_sizes=(4, 8, 8)))).save_pretrained(folder)
    scramble(ArganDiscriminator(ArganDiscriminatorConfig(hidden_sizes=(4, 8)))).save_pretrained(
        folder / "discriminator"
    )
    for part in (folder, folder / "discriminator"):
        _halve(part / "model.safetensors")
    scores = [
        PictureScore(
            method=method,
            quality=quality,
            psnr=quality + gain,
            psnr_b=quality - 1 + gain,
            ssim_gaussian=quality / 100 + gain / 100,
            ssim_uniform=quality / 100,
            high_frequency=0.8,
            seconds_per_megapixel=0.5,
            picture=picture,
        )
        for picture, extra in (("a", 0.0), ("b", 0.2))
        for quality in (10, 20)
        for method, gain in (("jpeg", extra), (str(folder), 1.5 + extra))
    ]
    results = Results("SomeData", "luma", tuple(scores))
    results.write(folder.parent / "results.json")
    commands = {
        "no token": ("", [str(folder), "tester/refused"]),
        "wrong token": (TOKEN, [str(folder), "tester/refused", "--token", "hf_wrong"]),
        "read token": (READ_TOKEN, [str(folder), "tester/refused"]),
        "dry run": ("", [str(folder), "tester/refused", "--dry-run"]),
        "published": (
            TOKEN,
            [str(folder), "tester/net", "--results", str(folder.parent / "results.json"), "--tag", "v1"],
        ),
        "same tag": (TOKEN, [str(folder), "tester/net", "--tag", "v1"]),
        "private": (TOKEN, [str(folder), "own", "--private"]),
    }
    said = run_on_hub(_COMMANDS, list(commands.values()))
    return Publication(folder, results, dict(zip(commands, map(tuple, said), strict=True)))


def test_everything_arrives_in_one_commit_and_the_tag_names_it(hub: Hub, publication: Publication) -> None:
    code, out, err = publication.said["published"]
    assert (code, err) == (0, "")
    assert hub.log("models", "tester/net") == ["initial commit", "Publish net v1"]
    repository = hub.repositories["models", "tester/net"]
    oid = repository.at("main").oid
    assert repository.tags == {"v1": oid}
    assert out.strip() == f"{hub.url}/tester/net/commit/{oid}"
    assert not repository.private


def test_weights_arrive_byte_for_byte(hub: Hub, publication: Publication) -> None:
    files = hub.files("models", "tester/net")
    for name in ("model.safetensors", "discriminator/model.safetensors"):
        assert files[name] == (publication.folder / name).read_bytes()
    assert {"config.json", "preprocessor_config.json", "modeling_argan.py", "discriminator/config.json"} < set(files)


def test_the_card_on_the_hub_states_what_was_measured(hub: Hub, publication: Publication) -> None:
    text = hub.files("models", "tester/net")["README.md"].decode()
    card = ModelCard(text)
    found = {
        (entry.dataset_config, entry.metric_type, entry.metric_args["quality"]): entry.metric_value
        for entry in card.data.eval_results
    }
    expected: dict[tuple[str, str, int], float] = {}
    for quality in (10, 20):
        expected["luma", "psnr", quality] = round(quality + 1.6, 3)
        expected["luma", "psnr_b", quality] = round(quality + 0.6, 3)
        expected["luma", "ssim", quality] = round(quality / 100 + 0.016, 4)
    assert found == expected
    assert card.data.model_name == "net"
    assert "| 10 | net | **11.600** |" in text
    assert str(publication.folder.parent) not in text


def test_a_stranger_loads_a_tag_to_equal_outputs(
    publication: Publication, run_on_hub: Callable[..., Any], tmp_path: Path
) -> None:
    planes, picture = torch.rand(1, 1, 33, 20), torch.randint(0, 256, (1, 19, 30), dtype=torch.uint8)
    torch.save(planes, tmp_path / "planes")
    torch.save(picture, tmp_path / "picture")
    modules = run_on_hub(
        _STRANGER, "tester/net", "v1", tmp_path / "planes", tmp_path / "picture", tmp_path / "out", token=""
    )
    assert all(module.startswith("transformers_modules.") for module in modules)
    found = torch.load(tmp_path / "out")
    model = copy.deepcopy(ArganForImageRestoration.from_pretrained(publication.folder))
    judge = copy.deepcopy(ArganDiscriminator.from_pretrained(publication.folder / "discriminator"))
    with torch.no_grad():
        assert torch.equal(found["reconstruction"], model(planes).reconstruction)
        assert torch.equal(found["logits"], judge(planes).logits)
    expected = ArganImageProcessor(num_channels=1)(picture, return_tensors="pt")["pixel_values"]
    assert torch.equal(found["pixel_values"], expected)


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        ("no token", "there is no token for the Hub: log in with `hf auth login` or set HF_TOKEN"),
        ("wrong token", "the Hub refuses the token"),
        ("read token", "403"),
        ("same tag", "tester/net has a tag v1 already"),
    ],
)
def test_a_refusal_is_one_sentence_and_leaves_nothing(
    hub: Hub, publication: Publication, attempt: str, words: str
) -> None:
    code, out, err = publication.said[attempt]
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("argan: ")
    assert words in err
    assert ("models", "tester/refused") not in hub.repositories


def test_a_dry_run_shows_files_and_card_without_a_token(hub: Hub, publication: Publication) -> None:
    code, out, err = publication.said["dry run"]
    assert (code, err) == (0, "")
    size = (publication.folder / "model.safetensors").stat().st_size
    assert f"{size:,}  model.safetensors\n" in out
    assert "\n# refused\n" in out
    assert ("models", "tester/refused") not in hub.repositories


def test_a_name_without_owner_belongs_to_the_owner_of_the_token(hub: Hub, publication: Publication) -> None:
    assert publication.said["private"][0] == 0
    assert hub.repositories["models", "tester/own"].private
    config = json.loads(hub.files("models", "tester/own")["config.json"])
    assert config["auto_map"]["AutoModelForImageToImage"] == "modeling_argan.ArganForImageRestoration"
    assert b'from_pretrained("tester/own")' in hub.files("models", "tester/own")["README.md"]


def test_a_hub_out_of_reach_is_one_sentence(
    publication: Publication, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    assert main(["publish", str(publication.folder), "tester/refused", "--token", TOKEN]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "the Hub cannot be reached" in err
