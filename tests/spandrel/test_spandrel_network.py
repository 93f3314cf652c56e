"""Networks of others restore with all that ours have: planes of the decoder, tiles, projection, metadata, batches."""

import io
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from argan_hf import JpegRestorer
from argan_hf.checkpoint_files import CHECKPOINTS
from argan_hf.cli import main
from argan_hf.evaluation.methods import load_method
from argan_hf.jpeg.color import rgb_to_ycbcr_unrounded, ycbcr_to_rgb_unclipped
from argan_hf.jpeg.file import read_jpeg
from argan_hf.jpeg.file_blocks import FileBlocks
from argan_hf.plane_restorer import PictureTooLargeError, UnusableResultError
from argan_hf.spandrel_network import UnsupportedNetworkError
from argan_hf.spandrel_weights import load_spandrel_network
from tests.conftest import jpeg_bytes, png_bytes

Weights = Callable[..., Path]
ARCHITECTURES = ("FBCNN", "SwinIR", "SCUNet", "DRUNet")


def _opened(path: Path) -> Any:
    """The same network as spandrel gives it."""
    import spandrel

    return spandrel.ModelLoader().load_from_file(path)


def _samples(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


@pytest.mark.parametrize(
    ("architecture", "suffix"), [("FBCNN", ".pth"), ("SwinIR", ".safetensors"), ("SCUNet", ".pth"), ("DRUNet", ".pth")]
)
def test_a_picture_without_a_past_comes_out_as_spandrel_gives_it(
    architecture: str, suffix: str, weights: Weights, photo: Image.Image
) -> None:
    path = weights(architecture, 3, suffix)
    restored = JpegRestorer.from_spandrel(path, device="cpu")(png_bytes(photo), history=False)
    pixels = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None] / 255
    expected = (_opened(path)(pixels)[0].permute(1, 2, 0) * 255).round().numpy().astype(int)
    # To Y'CbCr and back, in float32: near the middle of two levels, a sample can be rounded to the other one. Random
    # networks magnify what is different.
    differing = np.abs(_samples(restored.image) - expected)
    assert differing.max() <= 1
    assert (differing > 0).mean() < 0.03


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_jpeg_file_is_read_as_planes(architecture: str, weights: Weights, photo: Image.Image) -> None:
    path, data = weights(architecture), jpeg_bytes(photo, quality=30)
    restorer = JpegRestorer.from_spandrel(path, device="cpu")
    planes = read_jpeg(Image.open(io.BytesIO(data))).planes
    pixels = ycbcr_to_rgb_unclipped(planes).clamp(0, 255)[None] / 255
    expected = rgb_to_ycbcr_unrounded(_opened(path)(pixels) * 255)[0].clamp(0, 255)
    assert (restorer.reconstruct(data, history=False) - expected).abs().max() < 1e-2
    restored = restorer(data)
    assert restored.report.restored_planes == "Y, Cb, Cr"
    assert not restored.report.conditioned
    assert restored.report.consistency is not None
    assert restored.report.consistency.luma_blocks > 0.8  # held to the file, but for colors that RGB cannot hold


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gray_stays_gray(architecture: str, weights: Weights, photo: Image.Image) -> None:
    gray = photo.convert("L")
    for channels in (1, 3):
        restorer = JpegRestorer.from_spandrel(weights(architecture, channels), device="cpu")
        restored = restorer(jpeg_bytes(gray, quality=20))
        assert restored.image.mode == "L"
        assert restored.report.restored_planes == "Y"
    # The same gray as RGB.
    assert np.ptp(_samples(restorer(png_bytes(gray.convert("RGB"))).image), axis=2).max() == 0


def test_a_gray_network_restores_the_luma_of_color_pictures(weights: Weights, photo: Image.Image) -> None:
    path, data = weights("DRUNet", 1), jpeg_bytes(photo, quality=20, subsampling=0)
    restorer = JpegRestorer.from_spandrel(path, device="cpu")
    planes = read_jpeg(Image.open(io.BytesIO(data))).planes[:1, None].permute(1, 0, 2, 3) / 255
    given = restorer.reconstruct(data, history=False)
    assert given.shape[0] == 1
    assert (given - _opened(path)(planes)[0] * 255).abs().max() < 1e-2
    assert restorer(data).report.restored_planes == "Y"


@pytest.mark.parametrize("architecture", ["SwinIR", "DRUNet"])
def test_tiles_equal_the_whole(architecture: str, weights: Weights) -> None:
    restorer = JpegRestorer.from_spandrel(weights(architecture), device="cpu", tile_size=128)
    assert restorer.margin is not None
    planes = torch.rand(3, 300, 460) * 255
    assert len(restorer.network_tiles(300, 460)) > 4
    whole = JpegRestorer.from_spandrel(weights(architecture), device="cpu", tile_size=512)
    assert len(whole.network_tiles(300, 460)) == 1
    assert (restorer.restore_planes(planes) - whole.restore_planes(planes)).abs().max() < 0.1


def test_a_network_that_looks_at_the_whole_picture_gets_it(
    weights: Weights, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = weights("FBCNN")
    restorer = JpegRestorer.from_spandrel(path, device="cpu", tile_size=64)
    assert restorer.margin is None
    planes = torch.rand(3, 200, 210) * 255
    expected = JpegRestorer.from_spandrel(path, device="cpu").restore_planes(planes)
    assert torch.equal(restorer.restore_planes(planes), expected)
    monkeypatch.setattr("argan_hf.plane_restorer.WHOLE_MEGAPIXELS", 0.02)
    with pytest.raises(PictureTooLargeError, match=r"up to 0.0 megapixels, found 0.0: choose another network"):
        restorer.restore_planes(planes)
    # A file that is too large is a sentence, and the others are restored.
    for name, size in (("large", (400, 300)), ("small", (64, 48))):
        Image.new("RGB", size, "teal").resize(size).save(tmp_path / f"{name}.png")
        Image.effect_noise(size, 40).convert("RGB").save(tmp_path / f"{name}.jpg", quality=40)
    argv = ["restore", str(tmp_path / "large.jpg"), str(tmp_path / "small.jpg"), "-o", str(tmp_path / "out")]
    assert main([*argv, "--model", str(path), "--tile", "64", "--device", "cpu"]) == 1
    assert "large.jpg" in (error := capsys.readouterr().err)
    assert "this network looks at the whole picture" in error
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["small.png"]


def test_the_command_line_keeps_metadata_and_undoes_later_saves(
    weights: Weights, photo: Image.Image, tmp_path: Path
) -> None:
    path = weights("DRUNet")
    exif = Image.Exif()
    exif[0x010E] = "a description"
    first = Image.open(io.BytesIO(jpeg_bytes(photo, quality=20)))
    first.save(tmp_path / "again.jpg", quality=92, exif=exif)
    assert main(["restore", str(tmp_path / "again.jpg"), "--model", str(path), "--device", "cpu"]) == 0
    expected = JpegRestorer.from_spandrel(path, device="cpu")(tmp_path / "again.jpg")
    assert expected.report.history.first is not None
    assert expected.report.history.first.quality == 20
    with Image.open(tmp_path / "again-restored.png") as found:
        assert np.array_equal(_samples(found), _samples(expected.image))
        assert found.getexif()[0x010E] == "a description"


def test_it_can_be_evaluated_beside_ours(weights: Weights, photo: Image.Image) -> None:
    path, data = weights("SwinIR"), jpeg_bytes(photo, quality=25)
    plain = load_method(f"spandrel:{path}", [25], "cpu")
    faithful = load_method(f"spandrel:{path}+faithful", [25], "cpu")
    assert plain.macs_per_pixel is not None
    assert plain.macs_per_pixel > 1000
    file = read_jpeg(Image.open(io.BytesIO(data)))
    blocks = FileBlocks.of_file(data, file.tables, file.sampling)
    given = JpegRestorer.from_spandrel(path, device="cpu").restore_planes(file.planes)
    assert torch.equal(plain.restore(file.planes, file.tables, 25, None), given)
    assert not torch.equal(faithful.restore(file.planes, file.tables, 25, blocks), given)


def test_other_files_of_weights_are_refused_in_a_sentence(
    weights: Weights, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from spandrel.architectures.ESRGAN import ESRGAN

    good = weights("DRUNet").read_bytes()
    files: dict[str, Any] = {
        "cut.pth": good[: len(good) // 2],
        "text.pth": b"no weights",
        "empty.safetensors": b"",
        "code.pth": {"params": {"weight": _Evil()}},
        "list.pth": [torch.zeros(1)],
        "empty.pth": {},
        "numbers.pth": {1: torch.zeros(2)},
        "complex.pth": {n: w.to(torch.complex64) for n, w in torch.load(io.BytesIO(good))["params"].items()},
        "unknown.pth": {"some.weight": torch.zeros(3)},
        "four_times.pth": ESRGAN(num_filters=8, num_blocks=1).state_dict(),
        "nan.pth": {n: w * float("nan") for n, w in torch.load(io.BytesIO(good))["params"].items()},
        "not_all.pth": {
            n: w for n, w in torch.load(io.BytesIO(good))["params"].items() if n != "m_body.1.res.2.weight"
        },
        "ours.safetensors": None,
    }
    words = {
        "cut.pth": "is cut short, damaged, or no file of weights: get it again",
        "text.pth": "code.pth|is damaged|is cut short",
        "code.pth": "is damaged or holds more than weights, and code is never run: get the weights alone",
        "empty.pth": "is empty",
        "numbers.pth": "holds no whole network",
        "complex.pth": "with complex numbers in m_",
        "not_all.pth": r"Missing key\(s\) in state_dict: .m_body.1.res.2.weight",
        "list.pth": "holds no weights by name, found list",
        "unknown.pth": "holds no network that spandrel",
        "four_times.pth": "ESRGAN that enlarges pictures 4 times, expected one that gives a picture of the same size",
        "nan.pth": "NaN or infinity in m_",
        "ours.safetensors": "holds weights of this package: give the folder",
    }
    for name, content in files.items():
        path = tmp_path / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif content is None:
            path.write_bytes((CHECKPOINTS / "argan-jpeg-color" / "model.safetensors").read_bytes())
        else:
            torch.save(content, path)
        with pytest.raises(UnsupportedNetworkError, match=words.get(name)) as error:
            load_spandrel_network(path)
        assert name in str(error.value)
        assert "\n" not in str(error.value)
        assert "weights_only" not in str(error.value)
    assert not _ran
    scripted = torch.jit.trace(torch.nn.Conv2d(3, 3, 1), torch.rand(1, 3, 8, 8))
    torch.jit.save(scripted, tmp_path / "program.pt")
    with pytest.raises(UnsupportedNetworkError, match=r"is a program \(TorchScript\), and code is never run"):
        load_spandrel_network(tmp_path / "program.pt")
    (tmp_path / "notes.txt").write_text("no weights")
    with pytest.raises(UnsupportedNetworkError, match=r"the names of such files end in \.ckpt, \.pt, "):
        JpegRestorer.from_pretrained(tmp_path / "notes.txt")
    (tmp_path / "x.jpg").write_bytes(jpeg_bytes(Image.new("RGB", (16, 16))))
    assert main(["restore", str(tmp_path / "x.jpg"), "--model", str(tmp_path / "nowhere.pth")]) == 2
    assert "there is no file" in capsys.readouterr().err
    assert main(["restore", str(tmp_path / "x.jpg"), "--model", str(tmp_path / "text.pth")]) == 2
    assert "cannot be loaded" in capsys.readouterr().err


_ran: list[str] = []


class _Evil:
    def __reduce__(self) -> Any:
        return (_ran.append, ("code",))


def test_a_network_that_overflows_gives_no_picture(weights: Weights, photo: Image.Image, tmp_path: Path) -> None:
    large = {name: weight * 1e30 for name, weight in torch.load(weights("DRUNet"))["params"].items()}
    torch.save(large, tmp_path / "large.pth")
    (tmp_path / "photo.jpg").write_bytes(jpeg_bytes(photo))
    with pytest.raises(UnusableResultError, match="NaN or infinity"):
        JpegRestorer.from_spandrel(tmp_path / "large.pth", device="cpu")(tmp_path / "photo.jpg")
    argv = ["restore", str(tmp_path / "photo.jpg"), "--model", str(tmp_path / "large.pth"), "--device", "cpu"]
    assert main(argv) == 2
    assert not (tmp_path / "photo-restored.png").exists()


def test_the_margin_is_measured_once(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load_spandrel_network(weights("DRUNet"))
    measured = []
    monkeypatch.setattr("argan_hf.spandrel_network.measured_margin", lambda *a: measured.append(a) or 64)
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(lambda _: network.measure_margin(), range(6))) == [64] * 6
    assert len(measured) == 1


def test_windows_that_do_not_fit_are_not_tried_on_huge_strips(
    weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load_spandrel_network(weights("SwinIR"))
    divisors = []
    monkeypatch.setattr("argan_hf.spandrel_network.measured_margin", lambda f, c, divisor, m: divisors.append(divisor))
    assert network.measure_margin() is None
    assert divisors == [7]


def test_realism_and_exact_tiles_are_refused(weights: Weights, tmp_path: Path) -> None:
    path = weights("DRUNet")
    for restorer in (JpegRestorer.from_spandrel(path), JpegRestorer.from_pretrained(path)):
        assert not restorer.has_realism
        with pytest.raises(ValueError, match="leave realism at 0"):
            restorer.model_at(0.5)
    with pytest.raises(ValueError, match="exact tiles are for networks of this package"):
        JpegRestorer.from_pretrained(path, exact_tiles=True)


def test_what_is_missing_is_said(weights: Weights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "spandrel", None)
    with pytest.raises(ImportError, match=r'pip install "argan-hf\[spandrel\]"'):
        load_spandrel_network(weights("DRUNet"))


def test_a_restorer_can_be_sent_to_another_process(weights: Weights, photo: Image.Image) -> None:
    restorer = JpegRestorer.from_spandrel(weights("DRUNet"), device="cpu", tile_size=64)
    data = jpeg_bytes(photo, quality=20)
    # Held to the file, what rounds a sample the other way can move others.
    expected = _samples(restorer(data, faithful=False).image)  # measures the margin
    sent = pickle.loads(pickle.dumps(restorer))
    assert sent.margin == restorer.margin
    assert np.array_equal(_samples(sent(data, faithful=False).image), expected)


def test_a_batch_equals_its_pictures(weights: Weights) -> None:
    network = load_spandrel_network(weights("DRUNet"))  # spandrel's call of it takes one picture
    batch = torch.rand(2, 3, 16, 24)
    restored: Tensor = network(batch).reconstruction
    for number in range(2):
        assert torch.equal(restored[number], network(batch[number : number + 1]).reconstruction[0])
