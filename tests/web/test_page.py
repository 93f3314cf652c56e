"""The page for the visitor's own browser: pictures in, results out, nothing asked of anybody else."""

import contextlib
import io
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from playwright.sync_api import Error, expect

from argan_hf import JpegRestorer
from tests.conftest import EXAMPLES, jpeg_bytes, png_bytes
from tests.web.conftest import WebNetwork
from tests.web.node import needs_runtime
from tests.web.site_page import TIMEOUT, SitePage, pixels

pytestmark = [needs_runtime, pytest.mark.slow, pytest.mark.browser]


def _photo(index: int = 0, size: tuple[int, int] = (159, 121)) -> Image.Image:
    with Image.open(EXAMPLES[index]) as image:
        return image.convert("RGB").crop((200, 100, 200 + size[0], 100 + size[1]))


def _of_two_tiles() -> bytes:
    return jpeg_bytes(_photo().resize((1100, 300)), quality=30)


@pytest.fixture(scope="module")
def opened(module_pages: Any, plain_url: str) -> SitePage:
    page: SitePage = module_pages(plain_url, permissions=["clipboard-read", "clipboard-write"])
    return page


@pytest.fixture
def page(opened: SitePage) -> SitePage:
    """The same page, without pictures."""
    opened.reset()
    return opened


@pytest.fixture(scope="module")
def restorer(tiny_network: WebNetwork) -> JpegRestorer:
    return JpegRestorer.from_pretrained(tiny_network.checkpoint, device="cpu", dtype=torch.float32)


def _equal(found: bytes, expected: Image.Image) -> None:
    difference = np.abs(pixels(found) - np.array(expected))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 1e-4  # Random weights make more of the last digit.


def test_a_download_has_the_pixels_and_the_metadata_of_the_package(
    page: SitePage, restorer: JpegRestorer, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    path = tmp_path / "upright.jpg"
    path.write_bytes(jpeg_bytes(_photo(), quality=30, exif=exif, icc_profile=profile, comment=b"hello"))
    page.give(path)
    page.states(upright="done")
    page.shown()
    expect(page.page.locator(".facts")).to_contain_text("JPEG of quality 30, color 4:2:0, 121×159")
    expect(page.page.locator(".facts")).to_contain_text("Encoded again, 100 % of the blocks are those of the file")
    for strength, faithful in ((100, True), (40, True), (40, False)):
        page.set_range("strength", strength)
        page.page.locator("input[name=faithful]").set_checked(faithful)
        name, data = page.download()
        assert name == "upright-restored.png"
        _equal(data, restorer(path, strength=strength / 100, faithful=faithful).image)
        expected = restorer(path).encode(".png")[0]
        with Image.open(io.BytesIO(data)) as image, Image.open(io.BytesIO(expected)) as other:
            image.load()
            other.load()
            assert image.info == other.info
            assert image.info["icc_profile"] == profile
            assert dict(image.getexif()) == {0x010F: "Maker", 0x0112: 1}


def test_formats(page: SitePage, restorer: JpegRestorer) -> None:
    data = jpeg_bytes(_photo(), quality=30, comment=b"hello")
    faded = _photo()
    faded.putalpha(128)
    page.drop(photo_jpg=data, faded_png=png_bytes(faded))
    page.states(photo="done", faded="done")
    expected = restorer(data)
    page.page.select_option("select[name=format]", "jpeg")
    name, found = page.download()
    assert name == "photo-restored.jpg"
    with Image.open(io.BytesIO(found)) as image, Image.open(io.BytesIO(expected.encode(".jpg")[0])) as other:
        assert image.format == "JPEG"
        assert image.layer == other.layer  # color at full size
        assert image.quantization == other.quantization
        assert image.info["comment"] == b"hello"
    page.page.select_option("select[name=format]", "webp")
    name, found = page.download()
    assert name == "photo-restored.webp"
    _equal(found, expected.image)
    # What it cannot hold is said.
    expect(page.page.locator(".facts")).to_contain_text("Left out of the WebP file: comment.")
    page.look_at("faded")
    page.page.click(".download")
    expect(page.page.locator(".messages")).to_contain_text("the picture has transparency")


def test_several_at_once_with_a_bad_one_and_two_more_while_one_runs(page: SitePage) -> None:
    page.hold("reconstruct")
    page.drop(first_jpg=jpeg_bytes(_photo(), quality=30), bad_jpg=b"no picture", last_png=png_bytes(_photo(1)))
    page.states(first="running", bad="failed", last="waiting")
    page.drop(second_jpg=jpeg_bytes(_photo(2), quality=30), third_jpg=jpeg_bytes(_photo(3), quality=30))
    page.states(first="running", second="waiting", third="waiting")
    page.release()
    page.states(first="done", bad="failed", last="done", second="done", third="done")
    page.look_at("bad")
    expect(page.page.locator(".cover")).to_contain_text("not a picture in a known format")
    expect(page.page.locator(".download")).to_have_attribute("aria-disabled", "true")
    # Removed, the picture beside it is looked at.
    page.page.get_by_role("button", name="Remove bad.jpg").click()
    expect(page.page.locator(".tray li")).to_have_count(4)
    expect(page.page.locator(".pick[aria-pressed=true] .name")).to_have_text("last.png")
    expect(page.page.locator(".cover")).to_be_hidden()


def test_all_in_one_file(page: SitePage, restorer: JpegRestorer) -> None:
    first, second = (jpeg_bytes(_photo(index), quality=30) for index in (0, 1))
    # Of the same name, as from two folders.
    page.drop(photo_jpg=first)
    page.drop(photo_png=png_bytes(_photo(2)), other_jpg=second)
    page.states(other="done")
    page.look_at("other")
    # Another realism is for all of them.
    page.set_range("realism", 25)
    name, data = page.download(".all")
    assert name == "restored.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    assert list(files) == ["photo-restored.png", "photo-restored-2.png", "other-restored.png"]
    _equal(files["photo-restored.png"], restorer(first, realism=0.25).image)
    _equal(files["other-restored.png"], restorer(second, realism=0.25).image)
    expect(page.page.locator(".outcome")).to_have_text("Saved 3 pictures as restored.zip.")


def test_realism_and_a_told_quality_run_the_network_again(page: SitePage, restorer: JpegRestorer) -> None:
    data = png_bytes(_photo())
    page.paste(image_png=data)
    page.states(**{"pasted-1": "done"})
    page.set_range("realism", 50)
    page.states(**{"pasted-1": "done"})
    _equal(page.download()[1], restorer(data, realism=0.5).image)
    page.page.get_by_text("Advanced").click()
    page.page.fill("input[name=quality]", "20")
    page.page.press("input[name=quality]", "Enter")
    page.states(**{"pasted-1": "done"})
    _equal(page.download()[1], restorer(data, realism=0.5, quality=20).image)
    # Told about one picture, it is not told about another.
    page.drop(other_png=png_bytes(_photo(1)))
    page.states(other="done")
    page.look_at("other")
    expect(page.page.locator("input[name=quality]")).to_have_value("")
    page.look_at("pasted-1")
    expect(page.page.locator("input[name=quality]")).to_have_value("20")


def test_what_is_saved_is_what_the_settings_ask_for(page: SitePage, restorer: JpegRestorer) -> None:
    data = jpeg_bytes(_photo(), quality=30)
    page.drop(photo_jpg=data)
    page.states(photo="done")
    # Moved and moved back while the network runs.
    page.set_range("realism", 60)
    page.set_range("realism", 0)
    _equal(page.download()[1], restorer(data).image)
    # While it runs, a download waits for it.
    page.set_range("realism", 60)
    _equal(page.download()[1], restorer(data, realism=0.6).image)
    # What the format cannot hold is named.
    faded = _photo()
    faded.putalpha(128)
    page.drop(faded_png=png_bytes(faded))
    page.states(faded="done")
    page.page.select_option("select[name=format]", "jpeg")
    _, found = page.download(".all")
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        assert archive.namelist() == ["photo-restored.jpg"]
    expect(page.page.locator(".outcome")).to_contain_text("Not in a file, because")
    expect(page.page.locator(".outcome")).to_contain_text("faded.png")


def test_files_that_do_not_come_cost_no_result(
    pages: Any, site: Path, tmp_path: Path, serve: Callable[[Path], str], restorer: JpegRestorer
) -> None:
    folder = tmp_path / "site"
    shutil.copytree(site, folder, ignore=shutil.ignore_patterns("weights-realism.bin", "tests", "damaged"))
    page: SitePage = pages(serve(folder), complains=True)
    data = jpeg_bytes(_photo(), quality=30)
    page.drop(photo_jpg=data, other_jpg=jpeg_bytes(_photo(1), quality=30))
    page.states(photo="done", other="done")
    page.set_range("realism", 60)
    page.states(photo="failed")
    expect(page.page.locator(".cover .sentence")).to_have_text(
        "weights-realism.bin is not there (the server said 404): try again later"
    )
    expect(page.page.locator(".cover .sentence")).to_have_attribute("lang", "en")
    # Nothing waits for what does not come.
    page.page.click(".all")
    expect(page.page.locator(".outcome")).to_have_text(re.compile("Not in a file, .*photo.jpg, other.jpg"))
    expect(page.page.locator(".all")).to_have_attribute("aria-disabled", "false")
    # What there is without it is still there.
    page.set_range("realism", 0)
    page.states(photo="done", other="done")
    _equal(page.download()[1], restorer(data).image)
    page.set_range("realism", 60)
    page.states(photo="failed")
    shutil.copy(site / "weights" / "weights-realism.bin", folder / "weights")
    page.page.click(".cover button")
    page.states(photo="done")
    _equal(page.download()[1], restorer(data, realism=0.6).image)


def test_stopping_and_starting_again(page: SitePage) -> None:
    page.hold("reconstruct", tiles=1)
    page.drop(large_jpg=_of_two_tiles(), small_jpg=jpeg_bytes(_photo(), quality=30))
    page.states(large="running", small="waiting")
    expect(page.page.locator(".words")).to_contain_text("1 of 2 tiles", timeout=TIMEOUT)
    page.page.click(".stop")
    page.states(large="stopped")
    page.release()
    page.states(large="stopped", small="done")
    expect(page.page.locator(".cover")).to_contain_text("You stopped this picture.")
    page.page.click(".cover button")
    page.states(large="done")
    expect(page.page.locator(".cover")).to_be_hidden()


def test_tiles_appear_as_they_come(page: SitePage) -> None:
    def changed() -> float:
        """Of the columns of the stage."""
        restored = page.canvas()
        page.page.keyboard.down("o")
        original = page.canvas()
        page.page.keyboard.up("o")
        return float((restored != original).any((0, 2)).mean())

    page.hold("reconstruct", tiles=1)
    page.drop(large_jpg=_of_two_tiles())
    # The original is there at once; it is compared with tiles before the last of them has come.
    page.page.wait_for_selector(".stage.compares", timeout=TIMEOUT)
    page.states(large="running")
    page.page.locator(".handle").focus()
    page.page.keyboard.press("Home")
    early = changed()
    page.release()
    page.states(large="done")
    page.shown()
    page.answered()
    assert 0 < early < 0.7 * changed()


def test_a_large_picture_is_asked_about(page: SitePage) -> None:
    page.drop(huge_jpg=jpeg_bytes(Image.new("RGB", (3000, 2800), "gray")), small_jpg=jpeg_bytes(_photo()))
    page.states(huge="asking", small="done")
    expect(page.page.locator(".cover")).to_contain_text("8 megapixels take about")
    page.hold("reconstruct")
    page.page.get_by_role("button", name="Restore it").click()
    page.states(huge="running")
    expect(page.page.locator(".cover")).to_be_hidden()
    # That takes a while.
    page.page.click(".stop")
    page.states(huge="stopped")


def test_copying(page: SitePage, restorer: JpegRestorer) -> None:
    data = jpeg_bytes(_photo(), quality=30)
    page.drop(photo_jpg=data)
    page.states(photo="done")
    page.page.click(".copy")
    expect(page.page.locator(".outcome")).to_contain_text("Copied.", timeout=TIMEOUT)
    copied = page.page.evaluate(
        """async () => {
            const [item] = await navigator.clipboard.read();
            return [...new Uint8Array(await (await item.getType("image/png")).arrayBuffer())];
        }"""
    )
    _equal(bytes(copied), restorer(data).image)


def test_an_example(page: SitePage) -> None:
    page.page.get_by_role("button", name="Example: city.jpg").click()
    page.states(city="done")
    page.shown()
    expect(page.page.locator(".facts")).to_contain_text("JPEG of quality 20")
    link = page.page.get_by_role("link", name="demo on a server")
    expect(link).to_have_attribute("href", "https://example.org/demo")


def test_the_second_visit_needs_no_network(pages: Any, plain_url: str) -> None:
    first: SitePage = pages(plain_url)
    assert not first.page.evaluate("crossOriginIsolated")
    expect(first.page.locator(".cost")).to_contain_text("The first picture downloads")
    data = jpeg_bytes(_photo(), quality=30)
    first.drop(photo_jpg=data)
    first.states(photo="done")
    expect(first.page.locator(".offline")).to_have_text("Works offline, but for realism")
    # What else lies on the server, such as other sites, does not go through the service worker.
    policy = "async (url) => (await fetch(url)).headers.get('Cross-Origin-Opener-Policy')"
    assert first.page.evaluate(policy, "site.json") == "same-origin"
    assert first.page.evaluate(policy, "blank.html") is None
    context = first.page.context
    first.page.close()
    context.set_offline(True)
    second: SitePage = pages(plain_url, context=context)
    # The page also shares memory with its workers now, though the server does not allow it.
    assert second.page.evaluate("crossOriginIsolated")
    expect(second.page.locator(".cost")).to_contain_text("This page works offline.")
    second.drop(photo_jpg=data)
    second.states(photo="done")
    assert second.download()[0] == "photo-restored.png"


@pytest.mark.extra
def test_a_new_version_of_the_site_takes_over(
    pages: Any, site: Path, tmp_path: Path, serve: Callable[[Path], str]
) -> None:
    folder = tmp_path / "site"
    shutil.copytree(site, folder, ignore=shutil.ignore_patterns("*.wasm.gz", "tests", "damaged"))
    url = serve(folder)
    first: SitePage = pages(url)
    first.page.evaluate(
        """new Promise((go) => {
            const { serviceWorker } = navigator;
            return serviceWorker.controller ? go() : serviceWorker.addEventListener("controllerchange", go);
        })"""
    )
    words, worker = folder / "page" / "strings.js", folder / "sw.js"
    words.write_text(words.read_text("utf-8").replace('"JPEG artifact removal"', '"Another version"'), "utf-8")
    worker.write_text(re.sub('"version":"[^"]*"', '"version":"another"', worker.read_text("utf-8")), "utf-8")
    second: SitePage = pages(url, context=first.page.context)
    title = second.page.locator("h1")

    def told(script: str) -> Any:
        """By an element, as that has a time limit: `Page.evaluate` has none."""
        return title.evaluate(f"() => {script}", timeout=TIMEOUT)

    is_waiting = "navigator.serviceWorker.getRegistration().then(({ waiting }) => Boolean(waiting))"
    for _ in range(100):
        if told(is_waiting):
            break
        second.page.wait_for_timeout(200)
    # While the first page is open, it keeps its version.
    second.page.wait_for_timeout(1000)
    assert told(is_waiting)
    expect(title).to_have_text("JPEG artifact removal")
    first.page.close()
    # A worker at which developer tools look may be busy for a while, and is not replaced then. Besides, the page may be
    # loading itself anew already.
    for _ in range(10):
        with contextlib.suppress(AssertionError, Error):
            second.page.goto(url, wait_until="commit", timeout=5000)
            expect(title).to_have_text("Another version", timeout=2000)
            break
    expect(title).to_have_text("Another version")
    names = [name.split()[-1] for name in told("caches.keys()")]
    assert sorted(names) == ["another", "later"]


def test_languages(pages: Any, plain_url: str) -> None:
    page: SitePage = pages(plain_url, locale="de-AT")
    assert page.page.evaluate("document.documentElement.lang") == "de"
    expect(page.page.locator(".promise")).to_have_text("Ihre Bilder bleiben auf diesem Gerät.")
    page.page.select_option(".language", "en")
    expect(page.page.locator(".promise")).to_have_text("Your pictures stay on this device.")
    page.page.reload()
    expect(page.page.locator(".promise")).to_have_text("Your pictures stay on this device.")
