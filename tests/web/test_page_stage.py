"""The stage of the page for browsers: handle, zoom, loupe; and whether everybody can use the page."""

from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.conftest import EXAMPLES, jpeg_bytes
from tests.web.node import needs_runtime
from tests.web.site_page import SitePage

pytestmark = [needs_runtime, pytest.mark.slow, pytest.mark.browser]

_PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}


def _photo() -> Image.Image:
    with Image.open(EXAMPLES[1]) as image:
        return image.convert("RGB").crop((100, 100, 340, 260))


def _given(page: SitePage) -> bytes:
    """Give a picture; its file."""
    data = jpeg_bytes(_photo(), quality=10)
    page.drop(photo_jpg=data)
    page.states(photo="done")
    page.shown()
    return data


@pytest.fixture(scope="module")
def stage(module_pages: Any, plain_url: str) -> tuple[SitePage, np.ndarray]:
    """A page with a restored picture, and the pixels of its file."""
    page: SitePage = module_pages(plain_url)
    page.answered()
    data = _given(page)
    pixels = page.page.evaluate(
        """async (bytes) => {
            const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
            const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
            context.drawImage(bitmap, 0, 0);
            return [...context.getImageData(0, 0, bitmap.width, bitmap.height).data];
        }""",
        list(data),
    )
    return page, np.array(pixels, np.uint8).reshape(160, 240, 4)


@pytest.fixture
def page(stage: tuple[SitePage, np.ndarray]) -> SitePage:
    """The same page; all of the picture is seen, the handle is in its middle, the strength is full."""
    page = stage[0]
    page.release()
    page.set_range("strength", 100)
    page.page.locator(".handle").focus()
    for key in ("0", "Home", *5 * ["PageUp"]):
        page.page.keyboard.press(key)
    page.page.locator(".handle").blur()
    page.answered()
    return page


def _split(page: SitePage) -> int:
    return int(page.page.get_by_role("slider", name="Border").get_attribute("aria-valuenow") or -1)


def test_the_left_of_the_handle_is_the_original_at_every_zoom(
    page: SitePage, stage: tuple[SitePage, np.ndarray]
) -> None:
    original = stage[1]
    page.page.keyboard.press("1")
    canvas = page.canvas()
    left, top = (canvas.shape[1] - 240) // 2, (canvas.shape[0] - 160) // 2
    # At 1:1, a pixel of the picture is one of the screen.
    found = next(
        canvas[top + y : top + y + 160, left + x : left + x + 240]
        for y in (0, 1)
        for x in (0, 1)
        if np.array_equal(canvas[top + y : top + y + 160, left + x : left + x + 100], original[:, :100])
    )
    assert not np.array_equal(found[:, 140:], original[:, 140:])
    # Held, all of it is the original.
    page.page.keyboard.down("o")
    held = page.canvas()
    assert any(
        np.array_equal(held[top + y : top + y + 160, left + x : left + x + 240], original)
        for y in (0, 1)
        for x in (0, 1)
    )
    expect(page.page.locator(".caption.right")).to_be_hidden()
    page.page.keyboard.up("o")
    expect(page.page.locator(".caption.right")).to_be_visible()
    # At 2:1, it is a square of four.
    page.page.keyboard.press("2")
    canvas = page.canvas()
    middle = canvas[canvas.shape[0] // 2 - 40 : canvas.shape[0] // 2 + 40]
    left_half = middle[:, canvas.shape[1] // 2 - 200 : canvas.shape[1] // 2 - 40]
    assert any(np.array_equal(part[::2], part[1::2]) for part in (left_half[:, :158], left_half[1:79, :158]))


def test_the_handle_moves_by_mouse_and_keys(page: SitePage) -> None:
    assert _split(page) == 50
    slider = page.page.get_by_role("slider", name="Border")
    slider.focus()
    for key, value in (("ArrowRight", 51), ("PageDown", 41), ("Home", 0), ("ArrowLeft", 0), ("End", 100)):
        page.page.keyboard.press(key)
        page.drawn()
        assert _split(page) == value
    expect(slider).to_have_attribute("aria-valuetext", "100 % original")
    # Where all of the picture is seen, a press in it moves the handle there.
    box = page.page.locator(".stage canvas").first.bounding_box()
    assert box
    page.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.drawn()
    assert _split(page) == 50
    # A drag of the handle goes on outside of the stage.
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 300)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] - 10, box["y"] + 300, steps=4)
    page.page.mouse.up()
    page.drawn()
    assert _split(page) == 0


def test_a_zoomed_picture_is_moved_and_fills_the_stage(page: SitePage) -> None:
    box = page.page.locator(".stage canvas").first.bounding_box()
    assert box
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(8):
        page.page.mouse.wheel(0, -150)
    page.drawn()
    assert int(page.page.locator(".scale").inner_text().split()[0]) > 500
    # Larger than the frame, the picture is moved, and leaves no empty room beside it.
    page.page.mouse.move(box["x"] + 60, box["y"] + 100)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 2000, box["y"] + 2000, steps=5)
    page.page.mouse.up()
    moved = page.canvas()
    assert moved[0, 0, 3] == 255
    assert moved[-1, -1, 3] == 255
    page.page.keyboard.press("Shift+ArrowRight")
    assert not np.array_equal(page.canvas(), moved)
    page.page.get_by_role("button", name="Fit").click()
    assert page.canvas()[0, 0, 3] == 0


def test_fingers(pages: Any, plain_url: str) -> None:
    page: SitePage = pages(plain_url, **_PHONE)
    _given(page)
    assert page.page.evaluate("document.documentElement.scrollWidth") == 360
    box = page.page.locator(".stage canvas").first.bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    devtools = page.page.context.new_cdp_session(page.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    # A finger across the picture moves the handle.
    touch("touchStart", (middle[0] + 60, middle[1]))
    for step in range(1, 9):
        touch("touchMove", (middle[0] + 60 - 10 * step, middle[1]))
    touch("touchEnd")
    page.drawn()
    assert _split(page) < 49
    # One that rests opens the loupe.
    expect(page.page.locator(".loupe")).to_be_hidden()
    touch("touchStart", (middle[0] + 80, middle[1] + 60))
    expect(page.page.locator(".loupe")).to_be_visible()
    touch("touchMove", (middle[0] + 90, middle[1] + 120))
    expect(page.page.locator(".loupe")).to_be_visible()
    touch("touchEnd")
    expect(page.page.locator(".loupe")).to_be_hidden()
    # Two zoom.
    fit = page.page.locator("[data-zoom=fit]")
    expect(fit).to_have_attribute("aria-pressed", "true")
    touch("touchStart", (middle[0] - 20, middle[1]), (middle[0] + 20, middle[1]))
    for step in range(1, 6):
        touch("touchMove", (middle[0] - 20 - 10 * step, middle[1]), (middle[0] + 20 + 10 * step, middle[1]))
    touch("touchEnd")
    expect(fit).to_have_attribute("aria-pressed", "false")


def test_a_strength_is_seen_while_it_is_chosen(page: SitePage) -> None:
    page.page.locator(".handle").focus()
    page.page.keyboard.press("Home")
    full = page.canvas().astype(int)
    page.set_range("strength", 40, released=False)
    chosen = page.canvas().astype(int)
    assert np.abs(chosen - full).max() > 10
    page.hold("show")
    page.set_range("strength", 40)
    # What is seen until it is computed, and then, is what was seen before, but for colors that do not exist, of which
    # random weights give many.
    assert np.array_equal(page.canvas(), chosen)
    page.release()
    page.answered()
    seen = page.canvas().astype(int)
    assert 0 < np.abs(seen - chosen).mean() < 0.2 * np.abs(seen - full).mean()


def test_everything_is_done_with_the_keyboard(pages: Any, plain_url: str) -> None:
    page: SitePage = pages(plain_url)
    focused = "document.activeElement.matches(%r)"

    def tab_to(selector: str) -> None:
        for _ in range(60):
            page.page.keyboard.press("Tab")
            if page.page.evaluate(focused % selector):
                return
        raise AssertionError(f"the tab key never reaches {selector}")

    tab_to(".examples button")
    page.page.keyboard.press("Enter")
    page.states(city="done")
    expect(page.page.locator(".announced")).to_have_text("city.jpg: Done")
    # The button is gone. The keyboard is at the picture.
    assert page.page.evaluate(focused % ".pick")
    page.shown()
    page.drawn()
    assert _split(page) == 50
    tab_to(".handle")
    page.page.keyboard.press("Home")
    tab_to("input[name=strength]")
    page.page.keyboard.press("ArrowLeft")
    expect(page.page.locator("label:has([name=strength]) output")).to_have_text("95 %")
    tab_to("input[name=faithful]")
    page.page.keyboard.press("Space")
    tab_to(".download")
    with page.page.expect_download() as event:
        page.page.keyboard.press("Enter")
    assert event.value.suggested_filename == "city-restored.png"
    with page.page.expect_download():
        page.page.keyboard.press("s")
    page.drop(other_jpg=jpeg_bytes(_photo()))
    page.page.keyboard.press("n")
    expect(page.page.locator(".pick[aria-pressed=true] .name")).to_have_text("other.jpg")
    tab_to(".remove")
    page.page.keyboard.press("Enter")
    expect(page.page.locator(".tray li")).to_have_count(1)
    assert page.page.evaluate(focused % ".pick")
    page.page.keyboard.press("Tab")
    page.page.keyboard.press("Enter")
    expect(page.page.locator(".intake")).to_be_visible()
    assert page.page.evaluate(focused % ".choose")


def test_axe_finds_nothing(pages: Any, plain_url: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page: SitePage = pages(plain_url, reduced_motion="reduce")

    def check() -> None:
        for scheme, width in (("light", 1280), ("dark", 360)):
            page.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.page.set_viewport_size({"width": width, "height": 740})
            page.drawn()
            found = axe.run(page.page).response["violations"]
            assert not found, (scheme, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found])
            assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    check()
    _given(page)
    page.drop(bad_jpg=b"no picture")
    page.states(bad="failed")
    page.page.get_by_text("Advanced").click()
    page.page.get_by_text("Keys", exact=True).click()
    page.page.click(".download")
    expect(page.page.locator(".outcome")).to_have_text("Saved as photo-restored.png.")
    check()
    page.look_at("bad")
    expect(page.page.locator(".cover")).to_be_visible()
    check()
