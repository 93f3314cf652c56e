"""The way of a folder to the Hub: who the token belongs to, one commit of a model or a Space, and its tag."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError


def upload(
    stage: Callable[[str, Path], None],
    repo_id: str,
    *,
    private: bool = False,
    tag: str | None = None,
    token: str | None = None,
) -> str:
    """Publish files as a model in one commit; the repository is created if it does not exist.

    Args:
        stage: writes all files into an empty folder; it gets the whole id of the repository and the folder.
        repo_id: "owner/name", or a name only, for the owner of the token.
        private: whether a new repository is private.
        tag: tag for the commit, e.g. "v1".
        token: of the Hub, with write access; default: that of `hf auth login`.

    Returns:
        The address of the commit.

    Raises:
        ValueError: if there is no valid token, or the tag exists.
        HfHubHTTPError: if the Hub refuses the request for another reason.
    """
    repo_id, api = _of_the_owner(repo_id, token), HfApi(token=token)
    with tempfile.TemporaryDirectory() as staged:
        stage(repo_id, Path(staged))
        api.create_repo(repo_id, private=private, exist_ok=True)
        if tag and tag in {reference.name for reference in api.list_repo_refs(repo_id).tags}:
            raise ValueError(f"{repo_id} has a tag {tag} already; published tags are not moved, choose another name")
        name = repo_id.split("/")[-1]
        commit = api.upload_folder(
            repo_id=repo_id, folder_path=staged, commit_message=f"Publish {name} {tag or ''}".strip()
        )
    if tag:
        api.create_tag(repo_id, tag=tag, revision=commit.oid)
    return str(commit.commit_url)


def upload_space(
    stage: Callable[[str, Path], None],
    repo_id: str,
    *,
    sdk: str,
    message: str,
    hardware: str | None = None,
    optional: Sequence[str] = (),
    private: bool = False,
    token: str | None = None,
) -> str:
    """Publish files as a Space in one commit; the Space is created if it does not exist.

    Files in folders that are published again, and are not part of them any more, are deleted.

    Args:
        stage: writes all files into an empty folder; it gets the whole id of the repository and the folder.
        repo_id: "owner/name", or a name only, for the owner of the token.
        sdk: of the Space, "gradio" or "static".
        message: of the commit.
        hardware: of a new Space, as the Hub names it; default: what the Hub takes.
        optional: names of files that are deleted if they are not published again.
        private: whether a new Space is private.
        token: of the Hub, with write access; default: that of `hf auth login`.

    Returns:
        The address of the commit.

    Raises:
        ValueError: if there is no valid token, or the Space exists and has another SDK.
        HfHubHTTPError: if the Hub refuses the request for another reason.
    """
    repo_id, api = _of_the_owner(repo_id, token), HfApi(token=token)
    with tempfile.TemporaryDirectory() as staged:
        stage(repo_id, Path(staged))
        api.create_repo(
            repo_id, repo_type="space", space_sdk=sdk, space_hardware=hardware, private=private, exist_ok=True
        )
        found = api.space_info(repo_id).sdk
        if found not in (None, sdk):
            raise ValueError(f"{repo_id} is a Space of the kind {found}, expected {sdk}: choose another name")
        folders = [f"{path.name}/*" for path in Path(staged).iterdir() if path.is_dir()]
        commit = api.upload_folder(
            repo_id=repo_id,
            repo_type="space",
            folder_path=staged,
            commit_message=message,
            delete_patterns=[*folders, *optional],
        )
    return str(commit.commit_url)


def _of_the_owner(repo_id: str, token: str | None) -> str:
    user = check_token(token)
    return repo_id if "/" in repo_id else f"{user}/{repo_id}"


def check_token(token: str | None = None) -> str:
    """Ask the Hub to which account a token belongs.

    Returns:
        The name of the account.

    Raises:
        ValueError: if there is no token, or the Hub does not know it.
        HfHubHTTPError: if the Hub answers with another error.
    """
    try:
        return str(HfApi(token=token).whoami()["name"])
    except LocalTokenNotFoundError as error:
        raise ValueError("there is no token for the Hub: log in with `hf auth login` or set HF_TOKEN") from error
    except HfHubHTTPError as error:
        if error.response.status_code not in (401, 403):
            raise
        raise ValueError(
            "the Hub refuses the token: create one with write access, then run `hf auth login` or set HF_TOKEN"
        ) from error
