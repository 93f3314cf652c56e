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
    ],
)
def test_flags_that_do_not_belong_together(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["publish", *flags]) == 2
    assert capsys.readouterr().err.startswith(f"argan: {words}")


def test_a_dry_run_shows_what_transformers_js_gets(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stage(folder: str, repo_id: str, target: Path) -> None:
        (target / "README.md").write_text(f"{repo_id} of {folder}\n", encoding="utf-8")

    monkeypatch.setattr("argan_hf.cli.publish.stage_transformers_js", stage)
    assert main(["publish", "net", "me/net-ONNX", "--transformers-js", "--dry-run"]) == 0
    size = len("me/net-ONNX of net\n")
    assert capsys.readouterr().out == f"{size:>12}  README.md\n\nme/net-ONNX of net\n"
