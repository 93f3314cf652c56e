"""The Hub of these tests behaves as its clients expect: data sets stream in ranges, spaces and branches exist."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .repositories import Hub

pytestmark = pytest.mark.slow

_CLIENT = """
import datasets
from huggingface_hub import HfApi
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
api = HfApi()
result = {}
pictures = datasets.load_dataset("tester/pictures", split="train", streaming=True)
result["streamed"] = sum(1 for _ in pictures.cast_column("image", datasets.Image(decode=False)))
datasets.Dataset.from_dict({"x": list(range(20))}).push_to_hub("tester/numbers", num_shards=2)
result["numbers"] = sorted(row["x"] for row in datasets.load_dataset("tester/numbers", split="train", streaming=True))
api.create_repo("tester/demo", repo_type="space", space_sdk="gradio", space_hardware="zero-a10g")
api.create_branch("tester/demo", repo_type="space", branch="next")
api.upload_file(
    path_or_fileobj=b"x", path_in_repo="in/app.py", repo_id="tester/demo", repo_type="space", revision="next"
)
result["branches"] = {
    name: sorted(api.list_repo_files("tester/demo", repo_type="space", revision=name)) for name in ("main", "next")
}
result["folders"] = [entry.path for entry in api.list_repo_tree("tester/demo", repo_type="space", revision="next")]
result["sdk"] = api.space_info("tester/demo").sdk
result["errors"] = []
for repo_id, revision, name in [
    ("tester/nothing", "main", "a"), ("tester/numbers", "v9", "a"), ("tester/numbers", "main", "a")
]:
    try:
        api.hf_hub_download(repo_id, name, revision=revision, repo_type="dataset")
    except (EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError) as error:
        result["errors"].append(type(error).__name__)
"""


def test_clients_stream_push_branch_and_are_refused(
    hub: Hub, run_on_hub: Callable[..., Any], picture_parquet: str
) -> None:
    shards = sorted(Path(picture_parquet).parent.glob("*.parquet"))
    hub.put_files("datasets", "tester/pictures", {f"data/{path.name}": path.read_bytes() for path in shards})
    result = run_on_hub(_CLIENT)
    assert result["streamed"] == 25
    assert hub.answers[206] > 0
    assert result["numbers"] == list(range(20))
    assert result["branches"] == {"main": [".gitattributes"], "next": [".gitattributes", "in/app.py"]}
    assert result["folders"] == [".gitattributes", "in"]
    assert result["sdk"] == "gradio"
    assert result["errors"] == ["RepositoryNotFoundError", "RevisionNotFoundError", "RemoteEntryNotFoundError"]
