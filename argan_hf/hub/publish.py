"""Publishes a checkpoint in one commit to the Hub: network, code, image processor, discriminator, handler and card.

All files are first collected in a folder, so that a dry run shows exactly what would be published. Weights are copied
and not saved again: some are stored in 16 bits and must stay equal byte for byte.
"""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError
from huggingface_hub.utils import validate_repo_id
from transformers import AutoModelForImageToImage, PreTrainedModel

from ..checkpoint_files import locate, weights_name
from ..defaults import REALISM_VARIANT
from ..evaluation.results import Results
from ..image_processing_argan import ArganImageProcessor
from ..loading import load_model
from ..modeling_argan import ArganDiscriminator
from ..pipeline_argan import JpegRestorationPipeline
from .card import BEFORE_AFTER, TRAINING_ARGS, build_card

_RESULTS = "results.json"


def publish(
    folder: str | Path,
    repo_id: str,
    *,
    results: Sequence[Results] = (),
    private: bool = False,
    tag: str | None = None,
    token: str | None = None,
) -> str:
    """Publish a checkpoint in one commit; the repository is created if it does not exist.

    Args:
        folder: exported by a training run, or the name of a checkpoint of this package.
        repo_id: "owner/name", or a name only, for the owner of the token.
        results: evaluations for the card; default: `results.json` of the folder.
        private: whether a new repository is private.
        tag: tag for the commit, e.g. "v1".
        token: of the Hub, with write access; default: that of `hf auth login`.

    Returns:
        The address of the commit.

    Raises:
        ValueError: if there is no valid token, the folder holds no complete checkpoint (`DamagedCheckpointError` if
            one of its files is damaged or belongs to another network), the results are not those of
            the checkpoint, or the tag exists.
        HfHubHTTPError: if the Hub refuses the request for another reason.
    """
    user = check_token(token)
    repo_id = repo_id if "/" in repo_id else f"{user}/{repo_id}"
    api = HfApi(token=token)
    with tempfile.TemporaryDirectory() as staged:
        stage(folder, repo_id, Path(staged), results)
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


def stage(folder: str | Path, repo_id: str, target: Path, results: Sequence[Results] = ()) -> None:
    """Write all files that would be published into a folder.

    Args:
        folder, repo_id, results: as in `publish`.
        target: an empty folder.

    Raises:
        ValueError: if the folder holds no complete checkpoint (`DamagedCheckpointError` if one of its files is damaged
            or belongs to another network), or the results are not those of the checkpoint.
    """
    validate_repo_id(repo_id)
    source = Path(locate(folder))
    model = _load(AutoModelForImageToImage, source)
    processor = (
        ArganImageProcessor.from_pretrained(source)
        if (source / "preprocessor_config.json").is_file()
        else ArganImageProcessor(num_channels=model.config.num_channels)
    )
    JpegRestorationPipeline(model=model, image_processor=processor).save_pretrained(target)
    for variant in (None, REALISM_VARIANT):
        name = weights_name(variant)
        if (source / name).is_file():
            _load(AutoModelForImageToImage, source, variant)
            shutil.copyfile(source / name, target / name)
    if (source / "discriminator").is_dir():
        _load(ArganDiscriminator, source / "discriminator").save_pretrained(target / "discriminator")
        shutil.copyfile(source / "discriminator" / weights_name(), target / "discriminator" / weights_name())
    for name in (TRAINING_ARGS, BEFORE_AFTER):
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)
    if not results and (source / _RESULTS).is_file():
        results = [Results.read(source / _RESULTS)]
    if model._auto_class is not None:
        shutil.copyfile(Path(__file__).with_name("endpoint_handler.py"), target / "handler.py")
    build_card(source, repo_id, results).save(target / "README.md")


def _load(kind: type[PreTrainedModel], folder: Path, variant: str | None = None) -> PreTrainedModel:
    missing = [name for name in ("config.json", weights_name(variant)) if not (folder / name).is_file()]
    if missing:
        raise ValueError(f"{folder} is no checkpoint, it lacks {' and '.join(missing)}: train.py exports such a folder")
    return load_model(folder, kind=kind, variant=variant)
