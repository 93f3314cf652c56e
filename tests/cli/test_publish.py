"""What `argan publish` does with its flags; the way to the Hub is tested in `tests/hub/`."""

from pathlib import Path

import pytest

from argan_hf.cli import main


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--space", "me/demo", "--transformers-js"], "--space ID publishes the demo alone: omit FOLDER, ID"),
        (["net", "me/net", "--transformers-js", "--no-onnx"], "--transformers-js publishes ONNX files alone: omit"),
        (["--transformers-js"], "name what to publish and where"),
        (["--space", "me/demo", "--gradio", "me/demo"], "--gradio is for the page that restores in the browser: use"),
        (["net", "me/net", "--static-page", "me/page"], "--static-page is for the demo: use it with --space ID"),
        (["--static"], "name a folder or a Space: argan publish --static DIR, or argan publish --space ID --static"),
        (["net", "me/net", "--static", "site"], "--static publishes the page that restores in the browser alone: omit"),
        (
            ["--static", "site", "--static-page", "me/page"],
            "--static publishes the page that restores in the browser a",
        ),
        (
            ["--space", "me/page", "--static", "net"],
            "--space ID --static writes no folder, found net after --static: a",
        ),
        (["--space", "no good name", "--static", "--dry-run"], "Repo id must"),
        (["--static", "site", "--private"], "--static DIR sends nothing to the Hub: omit --private and --token"),
        (["--static", "site", "--gradio", "demo"], "demo is no address of a page, expected OWNER/NAME of a Space"),
        (["--space", "me/demo", "--static-page", "ftp://a", "--dry-run"], "ftp://a is no address of a page, expected"),
    ],
)
def test_flags_that_do_not_belong_together(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", *flags]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"argan: {words}")
    assert err.count("\n") == 1


def test_a_dry_run_shows_what_transformers_js_gets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stage(folder: str, repo_id: str, target: Path) -> None:
        (target / "README.md").write_text(f"{repo_id} of {folder}\n", encoding="utf-8")

    monkeypatch.setattr("argan_hf.cli.publish.stage_transformers_js", stage)
    assert main(["publish", "net", "me/net-ONNX", "--transformers-js", "--dry-run"]) == 0
    size = len("me/net-ONNX of net\n")
    assert capsys.readouterr().out == f"{size:>12}  README.md\n\nme/net-ONNX of net\n"


@pytest.fixture
def tiny_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages that consist of what they were asked for."""

    def stage(target: Path, checkpoint: str, *, gradio: str | None = None) -> None:
        (target / "README.md").write_text(f"{checkpoint}, {gradio}\n", encoding="utf-8")
        (target / "site.json").touch()

    monkeypatch.setattr("argan_hf.hub.static_page.stage_static", stage)
    monkeypatch.setattr("argan_hf.cli.publish.stage_static", stage)


def test_the_page_for_browsers_is_written_as_a_folder(
    tiny_page: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "a site"
    assert main(["publish", "net", "--static", str(site), "--gradio", "me/demo"]) == 0
    assert (site / "README.md").read_text(encoding="utf-8") == "net, me/demo\n"
    out = capsys.readouterr().out
    assert f"python -m http.server --directory '{site}'\n" in out
    assert "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp." in out
    (site / "mine").touch()
    assert main(["publish", "--static", str(site)]) == 2
    assert capsys.readouterr().err == f"argan: {site} holds mine, which is no part of a site: choose another folder\n"


def test_a_dry_run_shows_the_page_for_browsers_and_writes_nothing(
    tiny_page: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "argan-jpeg-color, None\n"
    shown = f"{len(words):>12}  README.md\n{0:>12}  site.json\n\n{words}"
    for flags in (["--static", str(tmp_path / "site")], ["--space", "me/page", "--static"]):
        assert main(["publish", *flags, "--dry-run"]) == 0
        assert capsys.readouterr().out == shown
    assert list(tmp_path.iterdir()) == []
    assert main(["publish", "--static", str(tmp_path / "no" / "site"), "--dry-run"]) == 2
    assert "create it first" in capsys.readouterr().err


def test_a_space_gets_what_the_flags_say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked = []

    def publish(*arguments: object, **options: object) -> str:
        asked.append((arguments, options))
        return "address"

    monkeypatch.setattr("argan_hf.cli.publish.publish_static", publish)
    monkeypatch.setattr("argan_hf.cli.publish.publish_space", publish)
    assert main(["publish", "net", "--space", "me/page", "--static", "--gradio", "me/demo", "--private"]) == 0
    assert asked.pop() == (("me/page", "net"), {"gradio": "me/demo", "private": True, "token": None})
    assert capsys.readouterr().out == "address\n"
    assert main(["publish", "--space", "me/demo", "--static-page", "me/page", "--token", "hf_x"]) == 0
    (_, options) = asked.pop()
    assert options == {"static_page": "me/page", "private": False, "token": "hf_x", "hardware": "zero-a10g"}
