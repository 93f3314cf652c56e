"""The page for browsers: what arrives in a static Space, and the folder that is whole or not there."""

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import RepoCard
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from argan_hf.hub import static_page
from argan_hf.hub.addresses import page_address
from argan_hf.hub.static_page import stage_static, write_static
from argan_hf.jpeg.header import JpegHeader, read_header
from argan_hf.picture import take_apart
from argan_hf.picture_history import history_of
from tests.conftest import EXAMPLES
from tests.export.conftest import tiny_checkpoint
from tests.web.node import WEB, needs_runtime

from .repositories import Hub

_PUBLISH = """
import os
from argan_hf.cli import main
checkpoint, os.environ["PATH"] = arguments
result = main(["publish", checkpoint, "--space", "tester/static", "--static", "--gradio", "tester/demo"])
"""


@pytest.fixture(scope="module")
def published(hub: Hub, run_on_hub: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a Space with the smallest network."""
    checkpoint = tiny_checkpoint(tmp_path_factory.mktemp("static") / "smallest")
    assert run_on_hub(_PUBLISH, checkpoint, os.environ["PATH"]) == 0
    return hub.files("spaces", "tester/static")


@needs_runtime
@pytest.mark.slow
def test_a_static_space_is_complete_in_one_commit(hub: Hub, published: dict[str, bytes]) -> None:
    assert hub.log("spaces", "tester/static") == ["initial commit", "Publish the page"]
    repository = hub.repositories["spaces", "tester/static"]
    assert (repository.sdk, repository.hardware, repository.private) == ("static", None, False)
    names = set(published) - {".gitattributes"}
    engine = {path.relative_to(WEB).as_posix() for path in (WEB / "engine").rglob("*.js")}
    assert engine <= names
    page = {path.name for path in (WEB / "page").iterdir()}
    assert page <= {name.removeprefix("page/") for name in names}
    assert {"README.md", "site.json", "weights/graph.onnx", "weights/manifest.json", "weights/weights.bin"} <= names
    assert {f"examples/{path.stem}.jpg" for path in EXAMPLES} <= names
    assert any(name.startswith("runtime/") and name.endswith(".wasm.gz") for name in names)
    assert not any("node_modules" in name or name.startswith(("tests/", "engine/tests")) for name in names)
    site = json.loads(published["site.json"])
    assert len(site["examples"]) == len(EXAMPLES)
    assert site["gradio"] == "https://huggingface.co/spaces/tester/demo"


@needs_runtime
@pytest.mark.slow
def test_the_readme_of_a_static_space_asks_for_the_headers_by_which_threads_share_memory(
    published: dict[str, bytes],
) -> None:
    card = RepoCard(published["README.md"].decode())
    about = card.data.to_dict()
    assert (about["sdk"], about["app_file"], about["license"]) == ("static", "index.html", "apache-2.0")
    assert about["custom_headers"] == {
        "cross-origin-embedder-policy": "require-corp",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "cross-origin",
    }
    # The Hub refuses longer ones.
    assert len(about["short_description"]) <= 60
    assert {"title", "emoji", "colorFrom", "colorTo", "tags"} <= set(about)
    assert about["pinned"] is False
    assert "The network in `weights/` is smallest." in card.text
    assert "](<https://huggingface.co/spaces/tester/demo>)" in card.text


def _header(data: bytes) -> JpegHeader:
    with Image.open(io.BytesIO(data)) as image:
        assert isinstance(image, JpegImageFile)
        return read_header(image)


def test_examples_are_damaged_and_one_was_saved_before(tmp_path: Path) -> None:
    static_page._write_examples(tmp_path)
    headers = {path.stem: _header(path.read_bytes()) for path in tmp_path.iterdir()}
    assert set(headers) == {path.stem for path in EXAMPLES}
    assert {header.sampling for header in headers.values()} == {"4:2:0"}
    twice = headers.pop("girl")
    assert {(header.quality, header.standard) for header in headers.values()} == {(20, True)}
    assert twice.quality == 90
    (save,) = history_of(take_apart(tmp_path / "girl.jpg")).saves
    assert (save.quality, save.sampling, save.top, save.left) == (20, "4:2:0", 5, 3)


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sites of a few bytes."""

    def stage(target: Path, checkpoint: str, *, gradio: str | None = None) -> None:
        (target / "index.html").write_text(f"{checkpoint} {gradio}")
        (target / "engine").mkdir()
        (target / "site.json").write_text("{}")

    monkeypatch.setattr(static_page, "stage_static", stage)


@pytest.mark.parametrize("is_there", [False, True])
def test_a_site_becomes_the_folder_and_replaces_an_earlier_one(page: None, tmp_path: Path, is_there: bool) -> None:
    folder = tmp_path / "site"
    if is_there:
        folder.mkdir()
    write_static(folder, "first")
    (folder / "engine" / "old.js").touch()
    write_static(folder, "second", gradio="me/demo")
    assert (folder / "index.html").read_text() == "second me/demo"
    assert not (folder / "engine" / "old.js").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["site"]
    # Servers run as other users.
    other = tmp_path / "other"
    other.mkdir()
    assert folder.stat().st_mode == other.stat().st_mode


@pytest.mark.parametrize("error", [ValueError("no"), OSError("full"), KeyboardInterrupt()])
def test_a_site_that_fails_leaves_nothing_and_the_earlier_one(
    page: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    write_static(tmp_path / "earlier", "first")

    def fail(target: Path, *_: object, **__: object) -> None:
        (target / "index.html").write_text("half")
        raise error

    monkeypatch.setattr(static_page, "stage_static", fail)
    for name in ("earlier", "new"):
        with pytest.raises(type(error)):
            write_static(tmp_path / name, "second")
    assert [path.name for path in tmp_path.iterdir()] == ["earlier"]
    assert (tmp_path / "earlier" / "index.html").read_text() == "first None"


def test_what_is_no_site_is_not_replaced(page: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, site = tmp_path / "pictures", tmp_path / "site"
    pictures.mkdir()
    (pictures / "index.html").write_text("mine")
    write_static(site, "first")
    (site / ".git").mkdir()
    for folder, words in [
        (pictures, r"pictures holds index\.html, and is no site"),
        (pictures / "index.html", r"index\.html is a file, expected"),
        (site, r"site holds \.git, which is no part of a site"),
        (tmp_path / "no" / "site", "there is no folder .*no: create it first"),
    ]:
        with pytest.raises(OSError, match=words):
            write_static(folder, "second")
    assert (pictures / "index.html").read_text() == "mine"
    assert (site / ".git").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "site"]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Makes programs of the names that a shell runs; there is no other, and no library is installed."""
    web, place = tmp_path / "web", tmp_path / "programs"
    web.mkdir()
    place.mkdir()
    (web / "package.json").write_text('{"dependencies": {"library": "1.2"}}')
    (web / "installed.json").write_text('{"version": "1.2"}')
    (web / "stage.js").touch()
    monkeypatch.setattr(static_page, "_WEB", web)
    monkeypatch.setattr(static_page, "export_web", lambda *_: None)
    monkeypatch.setenv("PATH", str(place))

    def make(name: str, script: str) -> None:
        (place / name).write_text(f"#!/bin/sh\n{script}\n")
        (place / name).chmod(0o755)

    return make


_NPM = """
echo "$@" > {0}/said
/bin/mkdir -p {0}/node_modules/library
/bin/cp {0}/installed.json {0}/node_modules/library/package.json
"""


@pytest.mark.skipif(os.name == "nt", reason="the programs are scripts of a shell")
def test_libraries_are_installed_once_and_the_page_is_put_together(
    programs: Callable[[str, str], None], tmp_path: Path
) -> None:
    web, target = tmp_path / "web", tmp_path / "target"
    target.mkdir()
    programs("npm", _NPM.format(web))
    programs("node", f'[ -f "$4/girl.jpg" ] || exit 7; for word in "$@"; do echo "$word"; done > {tmp_path}/asked')
    stage_static(target, "net", gradio="https://example.org/demo")
    assert (web / "said").read_text().split() == [
        *("ci", "--prefix", str(web)),
        *("--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"),
    ]
    script, folder, weights, examples, gradio = (tmp_path / "asked").read_text().splitlines()
    assert (script, folder, gradio) == (str(web / "stage.js"), str(target), "https://example.org/demo")
    assert (Path(weights).name, Path(examples).name) == ("weights", "examples")
    assert not Path(examples).exists()
    assert "[Another page](<https://example.org/demo>)" in (target / "README.md").read_text("utf-8")
    (web / "said").unlink()
    stage_static(target, "net")
    assert not (web / "said").exists()
    assert len((tmp_path / "asked").read_text().splitlines()) == 4
    assert "Another page" not in (target / "README.md").read_text("utf-8")
    (web / "package.json").write_text('{"dependencies": {"library": "1.3"}}')
    stage_static(target, "net")
    assert (web / "said").exists()


@pytest.mark.skipif(os.name == "nt", reason="the programs are scripts of a shell")
def test_what_node_lacks_or_says_is_one_sentence(programs: Callable[[str, str], None], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no node: install Node\.js 20\.11 or later, with npm"):
        stage_static(tmp_path / "target")
    programs("node", "printf 'first\\nsecond\\n' >&2; exit 1")
    with pytest.raises(ValueError, match=r"no npm: install Node\.js 20\.11 or later, with npm"):
        stage_static(tmp_path / "target")
    programs("npm", "echo no network >&2; exit 1")
    with pytest.raises(ValueError, match=r"npm failed: no network$"):
        stage_static(tmp_path / "target")
    programs("npm", _NPM.format(tmp_path / "web"))
    with pytest.raises(ValueError, match=r"needs Node\.js 20\.11 or later, and node failed: first second$"):
        stage_static(tmp_path / "target")
    shutil.rmtree(tmp_path / "web")
    with pytest.raises(ValueError, match=r"the page is not at .*web: clone the repository"):
        stage_static(tmp_path / "target")


@pytest.mark.parametrize(
    "wrong",
    [
        "demo",
        "me/de mo",
        "me/demo/more",
        "javascript:alert(1)",
        "ftp://example.org/",
        "https://",
        "https://a/<b>",
        "//a/b",
    ],
)
def test_an_address_that_is_none_is_refused_before_any_work(wrong: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected|Repo id"):
        stage_static(tmp_path, gradio=wrong)


def test_a_page_has_an_id_or_a_url() -> None:
    assert page_address("me/demo") == "https://huggingface.co/spaces/me/demo"
    assert page_address("http://127.0.0.1:7860/?a=(1)") == "http://127.0.0.1:7860/?a=(1)"
