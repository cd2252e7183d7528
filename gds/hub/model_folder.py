"""A model's folder, rebuilt for publication from what the schema allows: nothing is copied that is not checked."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gds.errors import UserError
from gds.features.featurizer import Featurizer
from gds.features.gaussian_groups import MIN_CLUSTER
from gds.features.training_distribution import TrainingDistribution
from gds.files import RUN_RECORD, read_json, sha256, write_json
from gds.hub import schema
from gds.hub.adapter_folder import copy_adapter
from gds.hub.card import CardFacts, model_card
from gds.hub.figures import Figure, read_figures
from gds.hub.membership import MembershipPower, membership_power
from gds.hub.publication import Publication
from gds.hub.record import public_record, refuse_ids
from gds.hub.redaction import Withheld, minor_allele_counts, withhold_rare
from gds.models import GdsConfig
from gds.models.adapter import is_adapter
from gds.repository import CARD, CONFIG, CONTENT_HASHES, SCHEDULER_CONFIG, TRAINING_DISTRIBUTION, WEIGHTS
from gds.studies.pretraining.privacy_record import read_privacy_record

# Of a configuration, what is about the process that wrote it rather than about the model.
_NOT_PUBLISHED = ("_name_or_path", "name_or_path", "custom_pipelines", "auto_map")


def assemble_model(
    folder: str | Path,
    out: Path,
    *,
    repo_id: str,
    min_allele_count: int = 10,
    metrics: Sequence[str | Path] = (),
    licence: str = "other",
    data_use: str | None = None,
    base_model: str | None = None,
) -> Publication:
    """Write what of a model's folder may leave to an empty folder.

    Parameters
    ----------
    folder
        As ``save_pretrained``, ``gds pretrain`` or ``gds finetune`` left it.
    out
        Where to write.
    repo_id
        For the card.
    min_allele_count
        See :func:`gds.hub.redaction.withhold_rare`.
    metrics
        ``metrics.json`` files for the card; by default that of the folder or, of ``OUT/model``, that of ``OUT``.
    licence
        Identifier of a licence, as the hub lists them.
    data_use
        A statement for the card; None leaves the place to be filled in.
    base_model
        Name on the hub of what an adapter adapts, where its configuration names a local folder.

    Raises
    ------
    UserError
        A file is missing, holds something else than it should, or names a person.
    """
    folder = Path(folder)
    if not (folder / CONFIG).is_file():
        raise UserError(
            f"{folder} holds no model (no {CONFIG}): give the folder that gds pretrain or finetune left"
        )
    config = GdsConfig.from_pretrained(folder)
    name = schema.architecture_of(config, folder)
    write_config(config, out)
    padding, base = None, None
    if is_adapter(folder):
        parameters, base = copy_adapter(folder, out, config, base_model)
    else:
        parameters = schema.check_weights(folder / WEIGHTS, config)
        shutil.copyfile(folder / WEIGHTS, out / WEIGHTS)
        padding = _padding(folder / WEIGHTS)
    featurizer = Featurizer.from_pretrained(folder)
    schema.check_featurizer(featurizer, config, padding, folder)
    shown, withheld = withhold_rare(featurizer, min_allele_count)
    shown.save_pretrained(out)
    if name == "GdsForDiffusion":
        path = folder / SCHEDULER_CONFIG
        write_json(out / SCHEDULER_CONFIG, schema.check_scheduler_file(read_json(path), config, path))
    distribution = publish_distribution(folder, out, featurizer, min_allele_count)
    read_privacy_record(folder)  # of these very weights, or of none
    record = record_of(folder)
    power = membership_power(shown)
    facts = CardFacts(
        repo_id=repo_id,
        architecture=name,
        config=config,
        parameters=parameters,
        record=record,
        featurizer=shown,
        withheld=withheld,
        membership=power,
        figures=figures_of(folder, metrics),
        licence=licence,
        data_use=data_use,
        base_model=base,
    )
    notes = [
        *_privacy_notes(withheld, power),
        *distribution,
        *([] if facts.figures else ["measured figures: none found; name a metrics.json with --metrics"]),
        *([] if data_use else ["the card's data-use statement is left to be filled in (--data-use)"]),
    ]
    return finish(folder, out, model_card(facts), record, notes)


def publish_distribution(folder: Path, out: Path, featurizer: Featurizer, min_allele_count: int) -> list[str]:
    """Where training people lie, where the model has it: checked, without rare variants; what to tell the user.

    Raises
    ------
    UserError
        The file holds something else than aggregates, or is of another featurizer.
    """
    distribution = TrainingDistribution.load(folder)
    if distribution is None:
        return []
    places = distribution.variant_index
    n = len(featurizer.allele_frequency_)
    if len(np.unique(places)) != len(places) or places.min(initial=0) < 0 or places.max(initial=0) >= n:
        raise UserError(f"{folder / TRAINING_DISTRIBUTION}: variants that the featurizer does not have")
    kept = np.rint(minor_allele_counts(featurizer)[places]) >= min_allele_count
    distribution.without(~kept).save(out)
    groups, components = distribution.centres.shape[0], distribution.loadings.shape[1]
    return [
        f"out-of-distribution flags: {components} loadings of {kept.sum():,} common variants, and centres and "
        f"covariances of {groups} groups of at least {MIN_CLUSTER} training people; nothing of a single person"
    ]


def write_config(config: GdsConfig, out: Path) -> None:
    """``config.json`` with the known options and nothing else."""
    config.save_pretrained(out)
    content = read_json(out / CONFIG)
    write_json(out / CONFIG, {name: value for name, value in content.items() if name not in _NOT_PUBLISHED})


def record_of(folder: Path) -> dict[str, Any]:
    """What may be said of how the folder was made."""
    return public_record(read_json(folder / RUN_RECORD)) if (folder / RUN_RECORD).is_file() else {}


def figures_of(folder: Path, metrics: Sequence[str | Path]) -> list[Figure]:
    """Figures for the card: of the named files, or of the run that left the folder."""
    if not metrics:
        beside = [folder / "metrics.json"]
        if folder.name == "model" and (folder.parent / RUN_RECORD).is_file():
            beside.append(folder.parent / "metrics.json")
        metrics = [path for path in beside if path.is_file()][:1]
    return [figure for path in metrics for figure in read_figures(path)]


def finish(folder: Path, out: Path, card: str, record: dict[str, Any], notes: list[str]) -> Publication:
    """Write card and record, with the hashes of the other files, and look for people's ids in all that is text.

    Raises
    ------
    UserError
        A person whom the model saw is named.
    """
    from gds.studies.run_folder import people_seen

    (out / CARD).write_text(card, encoding="utf-8")
    names = sorted(path.name for path in out.iterdir())
    hashes = {name: sha256(out / name) for name in names if name != CARD}
    write_json(out / RUN_RECORD, {**record, CONTENT_HASHES: hashes})
    texts: dict[str, Any] = {CARD: card, RUN_RECORD: record}
    texts |= {name: json.loads((out / name).read_text()) for name in names if name.endswith(".json")}
    refuse_ids(people_seen(folder), texts)
    return Publication(out, sorted([*names, RUN_RECORD]), notes)


def _privacy_notes(withheld: Withheld, power: MembershipPower) -> list[str]:
    simple = "" if power.simple is None else f"{power.simple:.1%} of members by a simple test, "
    return [
        f"rare variants: frequency and loadings of {withheld.n_withheld:,} of {withheld.n_variants:,} variants are "
        f"withheld (rarer allele counted fewer than {withheld.min_allele_count} times)",
        f"membership: of {power.n_people:,} people, {power.n_variants:,} frequencies: {simple}at most "
        f"{power.most:.1%}, found at a false positive rate of {power.false_positive_rate:.0%}",
    ]


def _padding(weights: Path) -> np.ndarray | None:
    """The mask of padding cells among a model's weights."""
    from safetensors import safe_open

    with safe_open(weights, framework="numpy") as file:
        name = next((name for name in ("is_padding", "gds.is_padding") if name in file.keys()), None)  # noqa: SIM118
        return None if name is None else file.get_tensor(name)
