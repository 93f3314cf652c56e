"""What is given to the page, and what comes back, in a real browser."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from argan_hf import restore
from tests.conftest import EXAMPLES, jpeg_bytes
from tests.space.actions import TIMEOUT, all_done, by_hand, download, drop, give, paste, pixels, png, report

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_a_jpeg_is_restored_as_the_command_line_does(page: Page, jpeg: Path, tmp_path: Path) -> None:
    give(page, jpeg)
    report(page, "JPEG file of quality 17, 4:2:0, restored. Checked: saved as JPEG")
    assert page.input_value("#quality input[type=number]") == "17"
    assert download(page) == ("holiday-restored.png", by_hand(jpeg, tmp_path))
    # The picture before is the uploaded file itself.
    before = page.locator("img.before").get_attribute("src")
    assert page.request.get(before or "").body() == jpeg.read_bytes()
    expect(page.locator(".caption.left")).to_have_text("Original: JPEG, quality 17")
    expect(page.locator(".caption.right")).to_have_text("Restored")


def test_a_png_with_alpha_is_restored_as_it_is(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "drawing.png"
    transparent = photo.copy()
    transparent.putalpha(photo.getchannel("R"))
    transparent.save(path)
    give(page, path)
    report(page, "PNG file, restored without knowing how it was compressed.")
    assert download(page) == ("drawing-restored.png", by_hand(path, tmp_path))
    expect(page.locator("#quality")).to_be_hidden()
    expect(page.locator("#compress-first input")).not_to_be_checked()


def test_a_pasted_picture_is_restored_as_it_is(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    path.write_bytes(png(photo))
    paste(page, path.read_bytes(), "image.png", "image/png")
    assert download(page) == ("image-restored.png", by_hand(path, tmp_path))


def test_a_picture_dropped_anywhere_is_restored(page: Page, jpeg: Path, tmp_path: Path) -> None:
    drop(page, jpeg.read_bytes(), "dropped.jpg")
    assert download(page) == ("dropped-restored.png", by_hand(jpeg, tmp_path))


def test_compressing_first_is_a_choice(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "pristine.png"
    photo.save(path)
    give(page, path)
    report(page, "PNG file, restored")
    page.locator("#compress-first input").check()
    report(page, "Compressed at quality 20 to ")
    slider = page.locator("#compress-at input[type=range]")
    slider.focus()
    slider.press("ArrowLeft")
    report(page, "Compressed at quality 19 to ")
    expected = restore(jpeg_bytes(photo, quality=19), realism=0.25).image
    assert np.array_equal(pixels(download(page)[1]), np.array(expected))
    page.locator("#compress-first input").uncheck()
    report(page, "PNG file, restored")


def test_an_example_shows_damage_and_repair(page: Page) -> None:
    examples = page.locator(".examples button")
    assert examples.count() == len(EXAMPLES) == 8
    examples.first.click()
    report(page, "Compressed at quality 20")
    expect(page.locator("#compress-first input")).to_be_checked()


def test_the_quality_of_a_jpeg_can_be_overridden_and_fractions_are_explained(page: Page, jpeg: Path) -> None:
    give(page, jpeg)
    report(page, "of quality 17")
    number = page.locator("#quality input[type=number]")
    number.fill("55.5")
    number.press("Tab")
    report(page, "restored as one of quality 56.")
    expect(page.locator("#quality")).to_contain_text("JPEG qualities are whole numbers: 55.5 became 56.")
    assert number.input_value() == "56"
    assert np.array_equal(pixels(download(page)[1]), np.array(restore(jpeg, 56, realism=0.25).image))


def test_numbers_beyond_the_ends_become_the_ends(page: Page, jpeg: Path) -> None:
    give(page, jpeg)
    report(page, "restored")
    number = page.locator("#realism input[type=number]")
    number.fill("5")
    number.press("Tab")
    expect(number).to_have_value("1")
    number = page.locator("#quality input[type=number]")
    number.fill("200")
    number.press("Tab")
    report(page, "restored as one of quality 100.")
    expect(number).to_have_value("100")
    expect(page.locator(".progress")).to_be_hidden(timeout=TIMEOUT)
    expected = restore(jpeg, 100, realism=1.0).image
    assert np.array_equal(pixels(download(page)[1]), np.array(expected))


def test_several_files_one_of_them_bad(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    paths = []
    for name, quality in (("a.jpg", 20), ("b.jpg", 40)):
        paths.append(tmp_path / name)
        paths[-1].write_bytes(jpeg_bytes(photo, quality=quality))
    folder = tmp_path / "other"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(jpeg_bytes(photo, quality=60))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"%PDF-1.7")
    give(page, paths[0], bad, paths[1], folder / "a.jpg")
    all_done(page, 4)
    assert page.locator(".strip .state").all_inner_texts() == ["done", "not restored", "done", "done"]
    assert page.locator(".strip .name").all_inner_texts() == ["a.jpg", "bad.jpg", "b.jpg", "a.jpg"]
    assert page.locator(".strip img:visible").count() == 3
    expect(page.locator(".pick[aria-pressed=true] .name")).to_have_text("a.jpg")
    name, data = download(page, ".zip")
    assert name == "restored.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == ["a-restored.png", "b-restored.png", "a-restored-2.png"]
        assert archive.read("a-restored.png") == by_hand(paths[0], tmp_path)
        assert archive.read("a-restored-2.png") == by_hand(folder / "a.jpg", tmp_path)
    page.click(".clear")
    expect(page.locator(".strip li")).to_have_count(0)


def test_settings_are_in_the_address(browser: Browser, page_url: str, jpeg: Path) -> None:
    page = browser.new_page()
    page.goto(f"{page_url}?realism=0.4&strength=0.8&format=webp&faithful=false")
    page.wait_for_selector("#studio .examples button")
    expect(page.locator("#realism input[type=number]")).to_have_value("0.4")
    expect(page.locator("#strength input[type=number]")).to_have_value("0.8")
    expect(page.locator("#faithful input")).not_to_be_checked()
    give(page, jpeg)
    name, data = download(page)
    assert name == "holiday-restored.webp"
    expected = restore(jpeg, strength=0.8, realism=0.4, faithful=False).image
    assert np.array_equal(pixels(data), np.array(expected))
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("End")
    page.wait_for_url("**/?realism=0.4&format=webp&faithful=false", timeout=TIMEOUT)
    page.close()
    page = browser.new_page()
    page.goto(f"{page_url}?realism=7&format=exe")
    expect(page.locator(".messages")).to_contain_text("The address asks for realism=7, expected a number from 0 to 1.")
    expect(page.locator(".messages")).to_contain_text("format=exe, expected one of png, webp")
    page.close()


def test_every_quality_is_measured_with_the_settings(page: Page, photo: Image.Image, tmp_path: Path) -> None:
    path = tmp_path / "pristine.png"
    photo.save(path)
    give(page, path)
    report(page, "restored")
    page.click(".measure summary")
    page.click(".start")
    expect(page.locator(".found")).to_be_visible(timeout=TIMEOUT)
    assert page.locator(".pictures figcaption").all_inner_texts() == ["Original", "JPEG, quality 20", "Restored"]
    rows = [row.split("\t") for row in page.locator(".found tbody tr").all_inner_texts()]
    assert float(rows[1][1]) > float(rows[0][1])
    expect(page.locator(".meaning")).to_contain_text("1 dB more means that the squared error is a fifth smaller.")
    expect(page.locator(".meaning")).to_contain_text("In this picture, it is what JPEG quality")
    assert page.locator(".curve polyline").count() == 2
    # Other settings: what was measured is gone, and measuring again gives other values.
    slider = page.locator("#strength input[type=range]")
    slider.focus()
    slider.press("Home")
    expect(page.locator(".found")).to_be_hidden(timeout=TIMEOUT)
    page.click(".start")
    expect(page.locator(".found")).to_be_visible(timeout=TIMEOUT)
    rows = [row.split("\t") for row in page.locator(".found tbody tr").all_inner_texts()]
    assert rows[0][1:] == rows[1][1:]
