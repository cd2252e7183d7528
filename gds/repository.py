"""A folder on this disk or a repository on the Hugging Face hub: one way in and one way out.

Both ways know the same few files. Whatever else a repository holds is neither sent nor fetched: no pickle, no
code, no path outside the folder.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gds.errors import UserError
from gds.files import RUN_RECORD, read_json, sha256

if TYPE_CHECKING:
    from gds.features.featurizer import Featurizer

CARD = "README.md"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
FEATURIZER_CONFIG = "preprocessor_config.json"
FEATURIZER_TENSORS = "preprocessor.safetensors"
SCHEDULER_CONFIG = "scheduler_config.json"
TRAINING_DISTRIBUTION = "training_distribution.safetensors"
FILES = (
    CARD, CONFIG, WEIGHTS, ADAPTER_CONFIG, ADAPTER_WEIGHTS, FEATURIZER_CONFIG, FEATURIZER_TENSORS,
    SCHEDULER_CONFIG, TRAINING_DISTRIBUTION, RUN_RECORD,
)  # fmt: skip

# Where the record of a pushed folder lists the SHA-256 of its other files.
CONTENT_HASHES = "sha256"

# organisation/name[@revision][/folder], the grammar of hf:// addresses
_NAME = re.compile(r"(?P<repo>[\w][\w.-]*/[\w][\w.-]*)(?:@(?P<revision>[^/@]+))?(?:/(?P<folder>[^@]+))?")


@dataclass(frozen=True)
class HubName:
    """What ``organisation/name@revision/folder`` means."""

    repo_id: str
    revision: str | None = None
    folder: str = ""


def parse_hub_name(text: str) -> HubName | None:
    """The repository that a text names; None if it can only be a path."""
    found = _NAME.fullmatch(text)
    if found is None or ".." in text.split("/"):
        return None
    return HubName(found["repo"], found["revision"], (found["folder"] or "").strip("/"))


def local_folder(
    name: str | os.PathLike[str],
    *,
    revision: str | None = None,
    subfolder: str = "",
    token: str | bool | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
) -> Path:
    """The folder of a model: a local one as it is, or one of the hub, fetched into its cache.

    Parameters
    ----------
    name
        A folder, or ``organisation/name[@revision][/folder]`` on the hub. A folder of that name wins.
    revision
        Branch, tag or commit; None for the one in ``name``, or ``main``.
    subfolder
        Folder below it.
    token
        Of an account that may read it; None for that of ``HF_TOKEN`` or ``hf auth login``.
    cache_dir
        The cache; None for the usual one (``HF_HOME``).
    local_files_only
        Do not ask the hub; so too with ``HF_HUB_OFFLINE=1``.
    force_download
        Fetch again what the cache holds.

    Raises
    ------
    UserError
        Neither a folder nor a repository that can be read, a revision or folder that it does not have, a file
        that differs from the record that was pushed with it, or code that wants to be run.
    """
    path = Path(name)
    if path.is_dir():
        folder = path / subfolder
        _refuse_code(folder, str(name))
        return folder
    address = parse_hub_name(os.fspath(name))
    if address is None:
        raise UserError(
            f"{name} holds no model: there is no such folder, and a name on the hub is organisation/name"
        )
    below = "/".join(part for part in (address.folder, subfolder) if part)
    folder = _fetch(
        address.repo_id,
        revision or address.revision,
        below,
        token,
        cache_dir,
        local_files_only,
        force_download,
    )
    _refuse_code(folder, str(name))
    _check_content(folder, str(name))
    return folder


def _fetch(
    repo_id: str,
    revision: str | None,
    below: str,
    token: str | bool | None,
    cache_dir: str | os.PathLike[str] | None,
    local_files_only: bool,
    force_download: bool,
) -> Path:
    from huggingface_hub import snapshot_download

    start = f"{below}/" if below else ""
    try:
        snapshot = snapshot_download(
            repo_id,
            revision=revision,
            allow_patterns=[start + file for file in FILES],
            token=token,
            cache_dir=None if cache_dir is None else Path(cache_dir),
            local_files_only=local_files_only,
            force_download=force_download,
        )
    except Exception as error:
        explain_hub_error(error, repo_id, "read")
    folder = Path(snapshot) / below
    if not any((folder / file).is_file() for file in (CONFIG, ADAPTER_CONFIG, FEATURIZER_CONFIG)):
        raise UserError(
            f"{repo_id}{'/' + below if below else ''} holds no model of gds (no {CONFIG} or {ADAPTER_CONFIG}) at "
            f"revision {revision or 'main'}"
        )
    if (folder / CONFIG).is_file() and not any(
        (folder / file).is_file() for file in (WEIGHTS, ADAPTER_WEIGHTS)
    ):
        raise UserError(
            f"{repo_id} has no {WEIGHTS}: weights of any other format (pytorch_model.bin, shards) are not read, "
            "because a pickle can run code"
        )
    return folder


def explain_hub_error(error: Exception, repo_id: str, verb: str) -> NoReturn:
    """Raise a user's error for what the hub or the way to it refused; anything else as it is.

    Parameters
    ----------
    error
        Of ``huggingface_hub``.
    repo_id
        The repository.
    verb
        What was tried: ``"read"`` or ``"write"``.
    """
    from huggingface_hub import errors

    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, UserError):
        raise error
    if isinstance(error, errors.RevisionNotFoundError):
        raise UserError(f"{repo_id} on the hub has no such revision: {_last_line(error)}") from error
    if isinstance(error, (errors.RepositoryNotFoundError, errors.HFValidationError)) or status in (401, 403):
        raise UserError(
            f"{repo_id}: there is no such folder here, and no such repository on the hub that you may {verb} "
            f"({status or 'not a valid name'}): check the name, and if it is private sign in with hf auth login or "
            "set HF_TOKEN"
        ) from error
    if isinstance(error, (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled)):
        raise UserError(
            f"{repo_id}: there is no such folder here, and it could not be fetched from the hub: offline, and not "
            "(wholly) in the cache"
        ) from error
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (OSError, RuntimeError)) or "httpx" in type(cause).__module__:
            raise UserError(f"{repo_id}: the hub did not answer as expected: {_last_line(error)}") from error
        cause = cause.__cause__ or cause.__context__
    raise error


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _refuse_code(folder: Path, name: str) -> None:
    """A configuration can name a Python file to be run: here nothing in a folder is ever run."""
    for file in (CONFIG, FEATURIZER_CONFIG):
        if (folder / file).is_file():
            content = read_json(folder / file)
            if isinstance(content, dict) and (content.get("auto_map") or content.get("custom_pipelines")):
                raise UserError(
                    f"{name}: {file} asks for code of its own to be run (auto_map), which gds never does"
                )


def _check_content(folder: Path, name: str) -> None:
    """Compare the files with the hashes in the record that was pushed with them."""
    record = read_json(folder / RUN_RECORD) if (folder / RUN_RECORD).is_file() else {}
    for file, expected in record.get(CONTENT_HASHES, {}).items():
        if file not in FILES:
            raise UserError(f"{name}: {RUN_RECORD} speaks of {file!r}, which is no file of a model")
        if not (folder / file).is_file():
            raise UserError(f"{name}: {file} is missing, but {RUN_RECORD} lists it: was it pushed whole?")
        if sha256(folder / file) != expected:
            raise UserError(
                f"{name}: {file} is not the file that was pushed (its SHA-256 differs from that in {RUN_RECORD}): "
                "it was damaged or changed; fetch it again (force_download) or do not trust it"
            )


class PushesThroughOneDoor:
    """``push_to_hub`` for every class that is saved as part of a folder.

    transformers' own way uploads whatever lies in the folder and makes the repository public: all of its entrances
    lead here, or are closed.
    """

    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool = True,
        token: str | bool | None = None,
        revision: str | None = None,
        commit_message: str | None = None,
        featurizer: "Featurizer | None" = None,
        min_allele_count: int = 10,
    ) -> str:
        """Publish this model with its featurizer, record and card; see :func:`gds.hub.push.push_folder`.

        Parameters
        ----------
        repo_id
            ``organisation/name``.
        private
            Whether only its owners can read it.
        token, revision, commit_message
            Account, branch and message; see :func:`gds.hub.push.push_folder`.
        featurizer
            What turns genotypes into its features; None for the one in the folder it was loaded from.
        min_allele_count
            Variants whose rarer allele was counted less often in training lose frequency and loadings.

        Returns
        -------
        str
            Address of the commit.

        Raises
        ------
        UserError
            No featurizer is known, something would leave that must not, or the hub refuses.
        """
        # The one call upwards: the class offers the verb, the hub package does it.
        from gds.hub.push import push_model

        return push_model(
            self,
            repo_id,
            private=private,
            token=token,
            revision=revision,
            commit_message=commit_message,
            featurizer=featurizer,
            min_allele_count=min_allele_count,
        )

    def _upload_modified_files(self, *args: Any, **kwargs: Any) -> NoReturn:
        """What transformers calls to upload a folder as it is."""
        refuse_upload()


def refuse_upload() -> NoReturn:
    """Raise for ways to the hub that check nothing."""
    raise UserError(
        "push_to_hub=True would upload a folder unchecked: save it, then use gds push FOLDER organisation/name "
        "(or model.push_to_hub)"
    )
