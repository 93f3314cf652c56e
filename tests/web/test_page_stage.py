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


def _given(page: SitePage) -> np.ndarray:
    """Give a picture; its pixels."""
    data = jpeg_bytes(_photo(), quality=10)
    page.drop(photo_jpg=data)
    page.states(photo="done")
    page.shown()
    return page.page.evaluate(
        """async (bytes) => {
            const bitmap = await createImageBitmap(new Blob([new Uint8Array(bytes)]));
            const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
            context.drawImage(bitmap, 0, 0);
            return [...context.getImageData(0, 0, bitmap.width, bitmap.height).data];
        }""",
        list(data),
    )


@pytest.fixture
def page(pages: Any, plain_url: str) -> SitePage:
    opened: SitePage = pages(plain_url)
    return opened


def _split(page: SitePage) -> int:
    return int(page.page.get_by_role("slider", name="Border").get_attribute("aria-valuenow") or -1)


def test_the_left_of_the_handle_is_the_original_at_every_zoom(page: SitePage) -> None:
    original = np.array(_given(page), np.uint8).reshape(160, 240, 4)
    page.page.keyboard.press("1")
    box = page.page.locator(".stage canvas").first.bounding_box()
    assert box
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
    _given(page)
    assert _split(page) == 50
    slider = page.page.get_by_role("slider", name="Border")
    slider.focus()
    for key, value in (("ArrowRight", 51), ("PageDown", 41), ("Home", 0), ("ArrowLeft", 0), ("End", 100)):
        page.page.keyboard.press(key)
        page.canvas()
        assert _split(page) == value
    expect(slider).to_have_attribute("aria-valuetext", "100 % original")
    # Where all of the picture is seen, a press in it moves the handle there.
    box = page.page.locator(".stage canvas").first.bounding_box()
    assert box
    page.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.canvas()
    assert _split(page) == 50
    # A drag of the handle goes on outside of the stage.
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 300)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] - 10, box["y"] + 300, steps=4)
    page.page.mouse.up()
    page.canvas()
    assert _split(page) == 0


def test_zooming_keeps_what_is_under_the_pointer(page: SitePage) -> None:
    largest = page.page.evaluate(
        """async () => {
            const { View } = await import("/page/view.js");
            let state = 1;
            const random = () => (state = (state * 16807) % 2147483647) / 2147483647;
            let largest = 0;
            for (let trial = 0; trial < 2000; trial++) {
                const ratio = 1 + 2 * random();
                const view = new View({ width: 3000, height: 2500 }, { width: 600, height: 500 }, ratio);
                const point = { x: 600 * random(), y: 500 * random() };
                view.zoomTo(1 + random(), { x: 600 * random(), y: 500 * random() });
                const before = view.at(point);
                view.zoomBy(1 + 3 * random(), point);
                const after = view.at(point);
                const moved = Math.max(Math.abs(after.x - before.x), Math.abs(after.y - before.y));
                largest = Math.max(largest, moved * view.scale * ratio);
            }
            return largest;
        }"""
    )
    # Pixels of the screen: the picture is laid on whole ones, before and after.
    assert largest < 4
    _given(page)
    box = page.page.locator(".stage canvas").first.bounding_box()
    assert box
    page.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for _ in range(8):
        page.page.mouse.wheel(0, -150)
    page.canvas()
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
    page.canvas()
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
    _given(page)
    page.page.locator(".handle").focus()
    page.page.keyboard.press("Home")
    full = page.canvas().astype(int)
    page.set_range("strength", 40, released=False)
    chosen = page.canvas().astype(int)
    assert np.abs(chosen - full).max() > 10
    page.set_range("strength", 40)
    # What is seen until it is computed, and then, is what was seen before, but for colors that do not exist, of which
    # random weights give many.
    for patience in (0, 500):
        page.page.wait_for_timeout(patience)
        seen = page.canvas().astype(int)
        assert np.abs(seen - chosen).mean() < 0.1 * np.abs(seen - full).mean()


def test_everything_is_done_with_the_keyboard(page: SitePage) -> None:
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(pages: Any, plain_url: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    size = {"viewport": {"width": 360, "height": 740}} if scheme == "dark" else {}
    page: SitePage = pages(plain_url, color_scheme=scheme, reduced_motion="reduce", **size)

    def check() -> None:
        found = axe.run(page.page).response["violations"]
        assert not found, [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
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
