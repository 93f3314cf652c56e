"""The page with another network, which `ARGAN_MODEL` names: it offers what that network can do."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from argan_hf import JpegRestorer
from tests.conftest import jpeg_bytes
from tests.space.conftest import SPACE

pytestmark = pytest.mark.slow

_SCRIPT = """
import json, sys
import app, network, pictures
from address import settings_of
from pathlib import Path

page = app.build()
folder = Path(sys.argv[1])
picture = pictures.keep(folder / "photo.jpg", "photo.jpg")
pictures.look_at(picture)
result = network.restore(picture, pictures.Choices(), network.default_settings, lambda share, words: None)
realism = [part for part in page.blocks.values() if getattr(part, "elem_id", None) == "realism"]
words = [part.value for part in page.blocks.values() if "Network of this page" in str(getattr(part, "value", ""))]
asked = settings_of({"realism": "0.5"}, network.default_settings, has_realism=network.has_realism)
facts = {"visible": realism[0].visible, "words": words, "realism": asked[0].realism, "problems": asked[1]}
result.path.rename(folder / "result.png")  # The folders of the page go with it.
print(json.dumps(facts))
"""


def test_the_network_of_the_paper_has_no_realism(tmp_path: Path, photo: Image.Image) -> None:
    (tmp_path / "photo.jpg").write_bytes(jpeg_bytes(photo, quality=20))
    answer = subprocess.run(
        [sys.executable, "-c", _SCRIPT, str(tmp_path)],
        cwd=SPACE,
        env=os.environ | {"ARGAN_MODEL": "argan-jpeg-luma", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    facts = json.loads(answer.stdout.splitlines()[-1])
    assert not facts["visible"]
    assert facts["words"] == ["Network of this page: argan-jpeg-luma"]
    assert facts["realism"] == 0
    assert facts["problems"] == ["The network of this page has no realism, so what the address asks for is not used."]
    expected = JpegRestorer.from_pretrained("argan-jpeg-luma")(tmp_path / "photo.jpg").image
    with Image.open(tmp_path / "result.png") as result:
        assert result.tobytes() == expected.tobytes()
