"""Fixtures shared by all tests: real photographs, tiny networks, a small data set."""

import io
import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

# Read when the libraries are imported: a name that nobody has shall not cost retries towards the real Hub.
os.environ["HF_HUB_OFFLINE"] = "1"
# The tensors here are small. On a busy machine, threads that wait for each other take a hundred times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
import torch
from datasets import Dataset, Features
from datasets import Image as ImageFeature
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from argan_hf import ArganConfig, ArganForImageRestoration

# Pictures that cannot be part of the repository; tests that need them are skipped without.
TEST_DATA = Path(os.environ.get("ARGAN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
EXAMPLES = sorted((Path(__file__).parents[1] / "space" / "examples").glob("*.png"))


def jpeg_bytes(image: Image.Image, **options: object) -> bytes:
    """A picture as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **options)
    return buffer.getvalue()


def png_bytes(image: Image.Image) -> bytes:
    """A picture as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


@pytest.fixture
def photo() -> Image.Image:
    """An RGB photograph whose sides are no multiple of 16."""
    with Image.open(EXAMPLES[1]) as image:
        return image.convert("RGB").crop((100, 100, 307, 253))


@pytest.fixture
def plain_config() -> ArganConfig:
    return ArganConfig(hidden_sizes=(4, 8, 8))


@pytest.fixture
def residual_config() -> ArganConfig:
    return ArganConfig(
        num_channels=3,
        block_type="residual",
        hidden_sizes=(8, 12, 16),
        depths=(1, 1, 2),
        patch_size=2,
        condition_on_quantization=True,
        conditioning_size=8,
    )


def scramble(model: ArganForImageRestoration) -> ArganForImageRestoration:
    """Give every weight and statistic a value, so that nothing is zero or the identity by initialization."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if tensor.is_floating_point():
                scale = 1.0 / max(1.0, tensor[0].numel()) ** 0.5
                noise = torch.randn(tensor.shape, generator=generator) * scale
                tensor.copy_(noise.abs() + 0.5 if "running_var" in name else noise)
    return model.eval()


@pytest.fixture(params=["plain", "residual"])
def model(
    request: pytest.FixtureRequest, plain_config: ArganConfig, residual_config: ArganConfig
) -> ArganForImageRestoration:
    """Both networks of the family, small, with random weights."""
    return scramble(ArganForImageRestoration(plain_config if request.param == "plain" else residual_config))


@pytest.fixture
def checkpoint(tmp_path: Path, plain_config: ArganConfig) -> Path:
    """A saved luma network, small, with random weights."""
    folder = tmp_path / "checkpoint"
    scramble(ArganForImageRestoration(plain_config)).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def picture_parquet(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A pattern of two parquet files with 24 JPEG pictures and one broken record."""
    folder = tmp_path_factory.mktemp("pictures")
    cells = []
    for path in EXAMPLES:
        with Image.open(path) as image:
            for box in ((0, 0, 200, 150), (200, 100, 390, 300), (300, 300, 576, 576)):
                cells.append({"bytes": jpeg_bytes(image.convert("RGB").crop(box), quality=95), "path": None})
    cells.insert(5, {"bytes": b"this is no picture", "path": "broken.jpg"})
    features = Features({"image": ImageFeature(decode=False)})
    for shard in range(2):
        part = Dataset.from_dict({"image": cells[shard::2]}, features=features)
        part.to_parquet(folder / f"train-{shard}.parquet")
    return str(folder / "*.parquet")


def png16(color: int, channels: int) -> bytes:
    """A PNG file of one pixel with 16 bits per channel."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">L", len(data)) + name + data + struct.pack(">L", zlib.crc32(name + data))

    header = struct.pack(">LLBBBBB", 1, 1, 16, color, 0, 0, 0)
    pixels = zlib.compress(b"\0" + b"\x12\x34" * channels)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def deep_files() -> dict[str, bytes]:
    """Files of one pixel or a few with 16 bits per channel, by name: what Pillow clips or cuts to 8 bits."""
    files = {"gray.png": png16(0, 1), "rgb.png": png16(2, 3), "gray-alpha.png": png16(4, 2), "rgba.png": png16(6, 4)}
    files |= {"p5.pgm": b"P5 1 1 65535 \x12\x34", "p2.pgm": b"P2 1 1 65535 4660", "twelve.pgm": b"P5 1 1 4095 \x02\x34"}
    files |= {"p6.ppm": b"P6 1 1 65535 abcdef", "p3.ppm": b"P3 1 1 65535 4660 4660 4660"}
    files |= {
        f"{name}-{kind}.tif": tiff16(channels, compression)
        for name, channels in (("gray", 1), ("rgb", 3))
        for kind, compression in (("plain", 1), ("deflate", 8))
    }
    return files


def tiff16(channels: int, compression: int) -> bytes:
    """A TIFF file of one pixel with 16 bits per channel; compression 1 is none, 8 is Deflate."""
    pixel = b"\x34\x12" * channels
    data = zlib.compress(pixel) if compression == 8 else pixel
    # Tag, type (3: 16 bits, 4: 32 bits), values. Eight entries; then three samples' depths, then the pixel.
    after = 8 + 2 + 9 * 12 + 4
    depths = struct.pack("<3H", 16, 16, 16)
    entries = [
        (256, 3, 1, 1),
        (257, 3, 1, 1),
        (258, 3, channels, 16 if channels == 1 else after),
        (259, 3, 1, compression),
        (262, 3, 1, 1 if channels == 1 else 2),
        (273, 4, 1, after + len(depths)),
        (277, 3, 1, channels),
        (278, 3, 1, 1),
        (279, 4, 1, len(data)),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHLL", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<L", 8) + directory + struct.pack("<L", 0) + depths + data


CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the program lies."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("needs chromium (Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One for all tests of a process: Playwright starts once in each."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()
