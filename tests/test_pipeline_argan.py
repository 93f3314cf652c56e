import base64
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from datasets import Dataset as Table
from datasets import Features
from datasets import Image as ImageFeature
from huggingface_hub.utils import httpx
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo
from transformers import pipeline
from transformers.pipelines.pt_utils import KeyDataset

from argan_hf import ArganConfig, ArganForImageRestoration, ArganImageProcessor, JpegRestorationPipeline
from tests.conftest import deep_files, jpeg_bytes, scramble

CHECKPOINTS = Path(__file__).parents[1] / "argan_hf" / "checkpoints"
_DEEP = deep_files()


def _piped(model: ArganForImageRestoration, **options: Any) -> JpegRestorationPipeline:
    processor = ArganImageProcessor(num_channels=model.config.num_channels)
    return pipeline("jpeg-restoration", model=model, image_processor=processor, **options)


@pytest.fixture
def piped(model: ArganForImageRestoration) -> JpegRestorationPipeline:
    return _piped(model)


@pytest.fixture
def mixed(photo: Image.Image) -> list[Any]:
    """Gray and color, of several sizes, JPEG files of several qualities and others."""
    small = photo.crop((20, 30, 101, 90))
    return [
        jpeg_bytes(photo, quality=20),
        jpeg_bytes(photo.convert("L"), quality=20),
        photo,
        jpeg_bytes(small, quality=40),
        small.convert("L"),
        jpeg_bytes(photo, quality=60),
        small,
    ]


def _assert_same(found: list[Image.Image], expected: list[Image.Image]) -> None:
    """Equal but for rounding: a kernel sums in another order for a batch, which can turn a value just below .5 over."""
    assert [(one.mode, one.size) for one in found] == [(one.mode, one.size) for one in expected]
    for one, other in zip(found, expected, strict=True):
        difference = np.abs(np.array(one, dtype=int) - np.array(other, dtype=int))
        assert difference.max() <= (2 if one.mode == "RGB" else 1)  # one level of Cb is two of blue
        assert (difference > 0).mean() < 1e-3


def test_path_bytes_and_picture_give_the_same(
    piped: JpegRestorationPipeline, photo: Image.Image, tmp_path: Path
) -> None:
    data = jpeg_bytes(photo, quality=30)
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    text = base64.b64encode(data).decode()
    expected = piped(Image.open(io.BytesIO(data)))
    assert (expected.size, expected.mode) == (photo.size, "RGB")
    sources = [str(path), path, data, bytearray(data), memoryview(data), io.BytesIO(data), text]
    for source in [*sources, f"data:image/jpeg;base64,{text}"]:
        assert np.array_equal(np.array(piped(source)), np.array(expected)), type(source)
    with path.open("rb") as file:
        assert np.array_equal(np.array(piped(file)), np.array(expected))


def test_a_file_that_stores_rgb_states_no_tables_of_luma_and_chroma(photo: Image.Image) -> None:
    processor = ArganImageProcessor(num_channels=3)
    stored = {keep: jpeg_bytes(photo, quality=30, keep_rgb=keep, subsampling=0) for keep in (True, False)}
    assert "quantization" in processor(stored[False])
    assert "quantization" not in processor(stored[True])


def test_gray_stays_gray(piped: JpegRestorationPipeline, photo: Image.Image) -> None:
    assert piped(jpeg_bytes(photo.convert("L"))).mode == "L"
    gray = photo.convert("L")
    assert np.array_equal(np.array(piped(gray.convert("LA"))), np.array(piped(gray)))
    assert piped(gray.convert("1")).mode == "L"


def test_unknown_parameters_are_refused(piped: JpegRestorationPipeline, photo: Image.Image) -> None:
    with pytest.raises(ValueError, match="takes one parameter, timeout; found sharpness"):
        piped(photo, sharpness=2)


def test_the_network_is_told_the_tables_of_every_file(residual_config: ArganConfig, photo: Image.Image) -> None:
    piped = _piped(scramble(ArganForImageRestoration(residual_config)))
    data = jpeg_bytes(photo, quality=20)
    decoded = Image.open(io.BytesIO(data)).convert("RGB")
    informed, blind = piped([data, decoded], batch_size=2)
    outputs = piped.model(**piped.image_processor(Image.open(io.BytesIO(data)), return_tensors="pt"))
    (planes,) = piped.image_processor.post_process_image_restoration(outputs)
    expected = Image.merge("YCbCr", [Image.fromarray(plane.numpy()) for plane in planes]).convert("RGB")
    _assert_same([informed], [expected])
    assert np.abs(np.array(informed, dtype=int) - np.array(blind, dtype=int)).mean() > 1


@pytest.mark.parametrize("batch_size", [2, 3, 7])
def test_a_batch_gives_what_its_pictures_give_alone(
    piped: JpegRestorationPipeline, mixed: list[Any], batch_size: int
) -> None:
    alone = [piped(picture) for picture in mixed]
    _assert_same(piped(mixed, batch_size=batch_size), alone)
    assert not np.array_equal(np.array(alone[0]), np.array(Image.open(io.BytesIO(mixed[0]))))


def test_a_batch_that_starts_gray_restores_the_chroma_of_the_others(
    residual_config: ArganConfig, photo: Image.Image
) -> None:
    piped = _piped(scramble(ArganForImageRestoration(residual_config)))
    data = jpeg_bytes(photo, quality=20)
    _, color = piped([photo.convert("L"), data], batch_size=2)
    chroma = np.array(color.convert("YCbCr"), dtype=int)[..., 1:]
    stored = np.array(Image.open(io.BytesIO(data)).convert("YCbCr"), dtype=int)[..., 1:]
    assert np.abs(chroma - stored).mean() > 3


def test_pictures_of_equal_shape_go_through_the_network_together(
    piped: JpegRestorationPipeline, mixed: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    forward = piped.model.forward

    def counted(pixel_values: torch.Tensor, **kwargs: Any) -> Any:
        seen.append(len(pixel_values))
        return forward(pixel_values, **kwargs)

    monkeypatch.setattr(piped.model, "forward", counted)
    piped(mixed, batch_size=len(mixed))
    # A network for luma sees gray and color alike.
    assert seen == ([4, 3] if piped.model.config.num_channels == 1 else [3, 1, 2, 1])


class _Pictures(torch.utils.data.Dataset):
    def __init__(self, pictures: list[Any]) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Any:
        return self.pictures[index]


def _generated(pictures: list[Any]) -> Iterator[Any]:
    yield from pictures


def _table(pictures: list[Any]) -> KeyDataset:
    files = []
    for picture in pictures:
        buffer = io.BytesIO()
        if isinstance(picture, Image.Image):
            picture.save(buffer, "PNG")
        files.append({"bytes": buffer.getvalue() or picture, "path": None})
    return KeyDataset(Table.from_dict({"image": files}, features=Features({"image": ImageFeature()})), "image")


@pytest.mark.parametrize("wrap", [list, _generated, _Pictures, _table], ids=["list", "generator", "torch", "datasets"])
@pytest.mark.parametrize("options", [{}, {"batch_size": 3}], ids=["alone", "batches"])
def test_lists_generators_and_data_sets_give_the_same(
    piped: JpegRestorationPipeline, mixed: list[Any], wrap: Callable[[list[Any]], Any], options: dict[str, int]
) -> None:
    _assert_same(list(piped(wrap(mixed), **options)), [piped(picture) for picture in mixed])


@pytest.mark.slow
@pytest.mark.parametrize("batch_size", [1, 3])
def test_pictures_are_read_in_other_processes(
    piped: JpegRestorationPipeline, mixed: list[Any], batch_size: int
) -> None:
    _assert_same(piped(mixed, batch_size=batch_size, num_workers=2), [piped(picture) for picture in mixed])


@pytest.mark.parametrize(
    ("name", "dtype", "most", "mean"),
    [
        # One level of Y, Cb and Cr together is three of blue.
        ("argan-jpeg-color", torch.float16, 3, 0.02),
        ("argan-jpeg-color", torch.bfloat16, 4, 0.1),
        ("argan-jpeg-luma", torch.float16, 1, 0.08),
        ("argan-jpeg-luma", torch.bfloat16, 2, 0.2),
        # It computes the picture itself and no residual, so bright samples are rounded to steps of a gray level.
        ("ar-cnn-q20", torch.bfloat16, 5, 1),
    ],
)
def test_halves_give_nearly_what_single_precision_gives(
    photo: Image.Image, name: str, dtype: torch.dtype, most: int, mean: float
) -> None:
    data = jpeg_bytes(photo.crop((0, 0, 90, 70)), quality=20)
    expected = np.array(pipeline("jpeg-restoration", model=str(CHECKPOINTS / name))(data), dtype=int)
    piped = pipeline("jpeg-restoration", model=str(CHECKPOINTS / name), dtype=dtype)
    assert piped.model.dtype == dtype
    difference = np.abs(np.array(piped(data), dtype=int) - expected)
    assert difference.max() <= most
    assert difference.mean() < mean
    _assert_same(piped([data, data], batch_size=2), [piped(data)] * 2)


def test_halves_that_are_too_small_for_a_network_are_refused(photo: Image.Image) -> None:
    piped = pipeline("jpeg-restoration", model=str(CHECKPOINTS / "d3-q20"), dtype=torch.float16)
    with pytest.raises(ValueError, match="do not fit into float16; load it with another dtype, as float32"):
        piped(photo)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_arrays_and_tensors_are_pictures(piped: JpegRestorationPipeline, photo: Image.Image, mode: str) -> None:
    picture = photo.convert(mode)
    if mode == "RGBA":
        picture.putalpha(7)
    array = np.array(picture)
    expected = np.array(piped(photo.convert("L" if mode == "L" else "RGB")))  # alpha is dropped
    tensor = torch.from_numpy(array)
    same = [picture, array, tensor if mode == "L" else tensor.permute(2, 0, 1)]
    if mode == "L":
        same += [array[..., None], tensor[None]]
    for source in same:
        assert np.array_equal(np.array(piped(source)), expected)


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (np.zeros((4, 5, 3), np.float32), ValueError, "must be uint8, 0..255, found float32"),
        (np.zeros((4, 5), bool), ValueError, "must be uint8, 0..255, found bool"),
        (np.zeros((4, 5), np.uint16), ValueError, "found uint16: JpegRestorer and `argan restore`"),
        (torch.zeros(3, 4, 5), ValueError, "must be uint8, 0..255, found float32"),
        (np.zeros((3, 4, 5), np.uint8), ValueError, r"an array \(H, W\).* found shape \(3, 4, 5\)"),
        (np.zeros((4, 5, 2), np.uint8), ValueError, r"found shape \(4, 5, 2\)"),
        (np.zeros((1, 4, 5, 3), np.uint8), ValueError, r"found shape \(1, 4, 5, 3\)"),
        (torch.zeros(4, 5, 3, dtype=torch.uint8)[:2], ValueError, r"a tensor \(H, W\).* found shape \(2, 5, 3\)"),
        (np.zeros((0, 5, 3), np.uint8), ValueError, r"at least one pixel, found shape \(0, 5, 3\)"),
        (Image.new("RGB", (0, 4)), ValueError, "at least one pixel, found 0x4"),
        (Image.new("I", (4, 4)), ValueError, "8 bits per channel, found more .*mode I.*JpegRestorer and `argan rest"),
        (Image.new("F", (4, 4)), ValueError, "8 bits per channel, found more .*mode F"),
        (Image.new("I;16", (4, 4)), ValueError, "8 bits per channel, found more .*mode I;16.*JpegRestorer"),
        (b"", UnidentifiedImageError, r"the data \(0 bytes\) is no picture"),
        (b"no picture", UnidentifiedImageError, r"the data \(10 bytes\) is no picture"),
        (io.BytesIO(b"no picture"), UnidentifiedImageError, "the file is no picture"),
        (io.StringIO("no picture"), TypeError, "binary mode"),
        ("no/such/file.jpg", ValueError, "'no/such/file.jpg' is neither a file that exists"),
        ("x" * 5000, ValueError, r"'x{60}… \(5000 characters\)' is neither"),
        (Path("no/such/file.jpg"), FileNotFoundError, r"file\.jpg"),
        (7, TypeError, "a picture must be a path.* found int"),
        ([[]], TypeError, "expected one picture, found a list"),
    ],
)
def test_what_is_no_picture_is_refused_in_words(
    piped: JpegRestorationPipeline, source: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        piped(source)


@contextmanager
def _server(answers: dict[str, bytes], release: threading.Event | None = None) -> Iterator[str]:
    """A web server on loopback; `/slow` answers when it is released."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path
            if path == "/slow" and release is not None:
                release.wait(30)
            if path == "/moved":
                self.send_response(302)
                self.send_header("Location", "/color.jpg")
                self.end_headers()
                return
            if path not in answers:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(answers[path])))
            self.end_headers()
            with suppress(OSError):  # the client may be gone
                self.wfile.write(answers[path])

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            if release is not None:
                release.set()
            server.shutdown()


def test_a_url_gives_what_its_file_gives(piped: JpegRestorationPipeline, photo: Image.Image) -> None:
    color, gray = jpeg_bytes(photo, quality=20), jpeg_bytes(photo.convert("L"), quality=20)
    with _server({"/color.jpg": color, "/gray.jpg": gray, "/text": b"no picture"}) as url:
        # Tables and gray survive, which they do not in `load_image` of transformers.
        for path, data in (("color.jpg", color), ("moved", color), ("gray.jpg", gray)):
            found = piped(f"{url}/{path}", timeout=10)
            assert found.mode == ("L" if data is gray else "RGB")
            assert np.array_equal(np.array(found), np.array(piped(data)))
        _assert_same(piped([f"{url}/color.jpg", f"{url}/gray.jpg"], batch_size=2), [piped(color), piped(gray)])
        with pytest.raises(httpx.HTTPStatusError, match="404"):
            piped(f"{url}/none.jpg")
        with pytest.raises(UnidentifiedImageError, match="/text is no picture"):
            piped(f"{url}/text")


def test_a_slow_server_is_given_up_after_the_timeout(model: ArganForImageRestoration, photo: Image.Image) -> None:
    with _server({"/slow": jpeg_bytes(photo)}, threading.Event()) as url:
        with pytest.raises(httpx.TimeoutException):
            _piped(model)(f"{url}/slow", timeout=0.2)
        with pytest.raises(httpx.TimeoutException):
            _piped(model, timeout=0.2)(f"{url}/slow")


@pytest.mark.parametrize("name", _DEEP)
@pytest.mark.parametrize("way", ["bytes", "path", "picture", "base64", "URL"])
def test_sixteen_bits_are_refused_however_they_come(
    piped: JpegRestorationPipeline, tmp_path: Path, name: str, way: str
) -> None:
    data = _DEEP[name]
    (tmp_path / name).write_bytes(data)
    with _server({"/deep": data}) as url:
        sources = {
            "bytes": data,
            "path": tmp_path / name,
            "picture": Image.open(io.BytesIO(data)),
            "base64": base64.b64encode(data).decode(),
            "URL": f"{url}/deep",
        }
        with pytest.raises(ValueError, match=r"8 bits per channel, found more .*JpegRestorer and `argan restore` of"):
            piped(sources[way])


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_picture_is_turned_upright(piped: JpegRestorationPipeline, photo: Image.Image, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = jpeg_bytes(photo, quality=20, exif=exif)
    turns = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_270, 8: Image.Transpose.ROTATE_90}
    as_stored = piped(jpeg_bytes(photo, quality=20))
    expected = as_stored if turns[orientation] is None else as_stored.transpose(turns[orientation])
    found = piped(data)
    assert np.array_equal(np.array(found), np.array(expected))
    assert found.getexif().get(0x0112, 1) == 1


def test_exif_that_makes_no_sense_is_no_obstacle(piped: JpegRestorationPipeline, photo: Image.Image) -> None:
    expected = np.array(piped(jpeg_bytes(photo, quality=20)))
    text_for_number = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x02aa\0\0"
    for exif in (b"Exif\0\0nonsense", text_for_number):
        assert np.array_equal(np.array(piped(jpeg_bytes(photo, quality=20, exif=exif))), expected)
    texts, file = PngInfo(), io.BytesIO()
    texts.add_text("Raw profile type exif", "\n\n\nno hexadecimal number")
    photo.save(file, "PNG", pnginfo=texts)
    assert np.array_equal(np.array(piped(file)), np.array(piped(photo)))
