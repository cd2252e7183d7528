"""The one door to the hub: what is in a folder is rebuilt file by file, checked, shown, and sent in one commit."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.files import RUN_RECORD, sha256
from gds.hub.model_folder import assemble_model
from gds.hub.publication import Publication, scratch
from gds.repository import FEATURIZER_CONFIG, FILES, WEIGHTS, explain_hub_error, parse_hub_name


def push_folder(
    folder: str | Path,
    repo_id: str,
    *,
    private: bool = True,
    token: str | bool | None = None,
    revision: str | None = None,
    commit_message: str | None = None,
    min_allele_count: int = 10,
    metrics: Sequence[str | Path] = (),
    licence: str = "other",
    data_use: str | None = None,
) -> str:
    """Publish the folder of a model.

    Parameters
    ----------
    folder
        With ``config.json``, ``model.safetensors`` and the featurizer.
    repo_id
        ``organisation/name``; made if it does not exist.
    private
        Whether only its owners can read it. A repository that is public already is not made private.
    token
        Of an account that may write; None for that of ``HF_TOKEN`` or ``hf auth login``.
    revision
        Branch; None for ``main``.
    commit_message
        None for one that names the class.
    min_allele_count, metrics, licence, data_use
        See :func:`gds.hub.model_folder.assemble_model`.

    Returns
    -------
    str
        Address of the commit.

    Raises
    ------
    UserError
        Something would leave that must not, or the hub refuses; nothing is published then.
    """
    check_name(repo_id)
    with scratch() as out:
        publication = assemble_model(
            folder, out, repo_id=repo_id, min_allele_count=min_allele_count, metrics=metrics, licence=licence,
            data_use=data_use,
        )  # fmt: skip
        return send(
            publication, repo_id, private=private, token=token, revision=revision, message=commit_message
        )


def push_model(
    model: Any,
    repo_id: str,
    *,
    private: bool,
    token: str | bool | None,
    revision: str | None,
    commit_message: str | None,
    featurizer: Featurizer | None,
    min_allele_count: int,
) -> str:
    """Publish a model in memory; see :meth:`gds.repository.PushesThroughOneDoor.push_to_hub`."""
    source = getattr(getattr(model, "model", model), "source_folder", None)
    featurizer = featurizer or getattr(model, "featurizer", None)
    if featurizer is None and source is not None and (source / FEATURIZER_CONFIG).is_file():
        featurizer = Featurizer.from_pretrained(source)
    if featurizer is None:
        raise UserError(
            "this model was not loaded with a featurizer, without which nobody could use it: push_to_hub(..., "
            "featurizer=...)"
        )
    with scratch() as folder:
        model.save_pretrained(folder)
        featurizer.save_pretrained(folder)
        if source is not None:
            # The record speaks of these very weights, or of others; the list of people is only looked at.
            same = (source / WEIGHTS).is_file() and sha256(source / WEIGHTS) == sha256(folder / WEIGHTS)
            for name in ("people.tsv", *([RUN_RECORD] if same else [])):
                if (source / name).is_file():
                    shutil.copyfile(source / name, folder / name)
        return push_folder(
            folder, repo_id, private=private, token=token, revision=revision, commit_message=commit_message,
            min_allele_count=min_allele_count,
        )  # fmt: skip


def send(
    publication: Publication,
    repo_id: str,
    *,
    private: bool,
    token: str | bool | None,
    revision: str | None,
    message: str | None,
    repo_type: str = "model",
) -> str:
    """Commit all files of a publication at once; returns the address of the commit.

    Large files travel first and are seen by nobody until the commit names them, so that a connection that breaks
    leaves the repository as it was. Files of an earlier push that are no longer there are deleted by the same commit.

    Raises
    ------
    UserError
        The hub refuses, the connection breaks, or the repository is public and ``private`` is asked for.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi(token=token, library_name="gds")
    try:
        api.create_repo(repo_id, private=private, repo_type=repo_type, exist_ok=True)
        if private and not api.repo_info(repo_id, repo_type=repo_type).private:
            raise UserError(
                f"{repo_id} is public already: give --public (private=False) if all of this may be read by anyone, or "
                "choose another name"
            )
        if revision is not None:
            api.create_branch(repo_id, branch=revision, repo_type=repo_type, exist_ok=True)
        present = api.list_repo_files(repo_id, revision=revision, repo_type=repo_type)
        ours = {name for name in present if name in FILES or name.startswith(("data/", "genotypes/"))}
        stale = sorted(ours - set(publication.files))
        done = api.create_commit(
            repo_id,
            [
                *(CommitOperationAdd(name, publication.folder / name) for name in publication.files),
                *(CommitOperationDelete(name) for name in stale),
            ],
            commit_message=message or f"Push with gds ({len(publication.files)} files)",
            revision=revision,
            repo_type=repo_type,
        )
    except Exception as error:
        explain_hub_error(error, repo_id, "write")
    return str(done.commit_url)


def check_name(repo_id: str) -> None:
    """Refuse what is no name of a repository.

    Raises
    ------
    UserError
        It is a path, or names a revision or folder too.
    """
    address = parse_hub_name(repo_id)
    if address is None or address.repo_id != repo_id:
        raise UserError(f"{repo_id}: expected organisation/name (a branch is given with --revision)")
