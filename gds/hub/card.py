"""The card of a model: what it is, what it was made from, what was measured, and what publishing it gives away."""

from dataclasses import dataclass
from typing import Any

from gds.features.featurizer import Featurizer
from gds.hub.figures import Figure, table
from gds.hub.membership import MembershipPower
from gds.hub.redaction import Withheld
from gds.models import GdsConfig
from gds.provenance import NOT_CLINICAL
from gds.studies.pretraining.privacy_record import PrivacyRecord

TO_FILL_IN = "*To be filled in by whoever publishes this: whose data, under which consent, for which uses.*"
_OBJECTIVES = {
    "GdsForDiffusion": "a diffusion denoiser of gene-wise components",
    "GdsForMaskedModeling": "a masked model: it predicts hidden genotypes from visible ones",
    "GdsForContrastive": "an encoder trained to tell people apart by what their two haplotypes, or two views, share",
    "GdsForClassification": "a classifier of people",
    "GdsModel": "an encoder of people's genotypes",
}
_TASKS = {
    "GdsForClassification": ("genotype-classification", "Classification of people from their genotypes"),
    "GdsForDiffusion": ("genotype-generation", "Generation of synthetic genotypes"),
    "GdsForMaskedModeling": ("genotype-imputation", "Prediction of hidden genotypes"),
    "GdsForContrastive": ("feature-extraction", "Embedding of people from their genotypes"),
    "GdsModel": ("feature-extraction", "Embedding of people from their genotypes"),
}


@dataclass(frozen=True)
class CardFacts:
    """All that a model's card says.

    Attributes
    ----------
    repo_id
        Where it will be.
    architecture, config, parameters
        Class, configuration and number of values of the model.
    record
        The public part of its record.
    featurizer, withheld, membership
        The published featurizer, what was taken out of it, and what its frequencies give away.
    figures
        What was measured.
    licence, data_use
        Identifier of the licence ("other" if none is named) and the statement of whoever publishes it.
    base_model
        What an adapter adapts; None for a whole model.
    """

    repo_id: str
    architecture: str
    config: GdsConfig
    parameters: int
    record: dict[str, Any]
    featurizer: Featurizer
    withheld: Withheld
    membership: MembershipPower
    figures: list[Figure]
    licence: str = "other"
    data_use: str | None = None
    base_model: str | None = None


def model_card(facts: CardFacts) -> str:
    """Text of ``README.md``: metadata that the hub reads, then what people read."""
    sections = {
        "What it is": _what(facts),
        "Data": _data(facts),
        "Training": _training(facts.record),
        "Measured": _measured(facts),
        "Privacy": _privacy(facts),
        "Use": _use(facts),
        "Load": _load(facts),
        "Licence and data use": f"Licence: {facts.licence}.\n\n{facts.data_use or TO_FILL_IN}",
    }
    body = "\n\n".join(f"## {title}\n{text}" for title, text in sections.items())
    return f"---\n{metadata(facts)}\n---\n\n# {facts.repo_id.split('/')[-1]}\n\n{body}\n"


def metadata(facts: CardFacts) -> str:
    """The YAML block, in the hub's own terms; measured figures as a model-index."""
    from huggingface_hub import EvalResult, ModelCardData

    task, task_name = _TASKS[facts.architecture]
    people = facts.record.get("label_column") or "genotypes"
    results = [
        EvalResult(
            task_type=task,
            task_name=task_name,
            dataset_type="private-cohort",
            dataset_name=f"held-out people of the cohort ({people})",
            dataset_split="test",
            metric_type=figure.name,
            metric_name=_metric_name(figure),
            metric_value=figure.value,
        )
        for figure in facts.figures
    ]
    data = ModelCardData(
        library_name="gds",
        license=facts.licence,
        license_name="see-the-data-use-statement" if facts.licence == "other" else None,
        tags=[
            "gds",
            "genotypes",
            "genetics",
            facts.config.backbone,
            task,
        ],
        base_model=facts.base_model,
        metrics=sorted({figure.name for figure in facts.figures}) or None,
        model_name=facts.repo_id,
        eval_results=results or None,
    )
    return data.to_yaml().strip()


def _metric_name(figure: Figure) -> str:
    parts = [figure.name, f"({figure.about})" if figure.about else ""]
    parts.append(f"[95 % interval {figure.interval}]" if figure.interval else "")
    return " ".join(part for part in parts if part)


def _what(facts: CardFacts) -> str:
    config, lines = facts.config, []
    lines.append(
        f"`{facts.architecture}`, {_OBJECTIVES[facts.architecture]}; backbone {config.backbone}, "
        f"{facts.parameters:,} values"
        "."
    )
    if facts.base_model is not None:
        lines.append(
            f"A LoRA adapter of `{facts.base_model}`, which is fetched with it (`pip install peft`)."
        )
    kind = "component scores" if config.input_kind == "continuous" else "genotypes"
    lines.append(
        f"Input: {kind} of {config.n_blocks:,} blocks (genes or windows), {config.n_channels} a block."
    )
    if facts.architecture == "GdsForClassification":
        lines.append(f"Classes: {', '.join(config.id2label[index] for index in range(config.num_labels))}.")
    return "\n".join(lines)


def _data(facts: CardFacts) -> str:
    record, featurizer = facts.record, facts.featurizer
    build = record.get("genome_build")
    lines = [
        f"- {featurizer.n_training_samples_:,} people: the featurizer was fitted on their genotypes.",
        f"- {len(featurizer.variants_):,} variants in {featurizer.n_blocks:,} blocks"
        + (f", {build}." if build else "; the genome build is not recorded."),
    ]
    if "training_people" in record:
        line = f"- {record['training_people']:,} people were trained on"
        if "validation_people" in record:
            line += f", {record['validation_people']:,} others chose when to stop or were only scored"
        lines.append(line + ".")
    if few := record.get("labelled_few"):
        counts = ", ".join(f"{name} {count}" for name, count in few.items())
        lines.append(f"- Labels ({record.get('label_column')}): {counts}.")
    lines.append("- No individual's genotypes, ids or labels are in this repository.")
    return "\n".join(lines)


def _training(record: dict[str, Any]) -> str:
    config = record.get("config") or {}
    settings: dict[str, Any] = {"objective": config.get("objective") or record.get("objective")}
    settings |= {"method": record.get("method"), "steps": record.get("steps"), "seed": record.get("seed")}
    settings |= config.get("training") or {}
    settings |= {f"chosen {name}": value for name, value in (record.get("details") or {}).items()}
    settings["processes"] = record.get("processes")
    rows = [f"| {name} | {value} |" for name, value in settings.items() if value not in (None, {}, [])]
    if not rows:
        return "Not recorded."
    text = "\n".join(["| setting | value |", "|---|---|", *rows])
    versions = record.get("versions") or {}
    made = ", ".join(
        f"{name} {versions[name]}"
        for name in ("genotype-diffusion", "torch", "transformers")
        if name in versions
    )
    commit = (record.get("git") or {}).get("commit")
    return f"{text}\n\nMade with {made or 'unrecorded versions'}" + (f", commit {commit}." if commit else ".")


def _measured(facts: CardFacts) -> str:
    final = {
        name: value for name, value in (facts.record.get("final") or {}).items() if isinstance(value, float)
    }
    losses = [Figure(name.removeprefix("eval_"), value, "validation people") for name, value in final.items()
              if not name.endswith(("runtime", "per_second"))]  # fmt: skip
    if not facts.figures and not losses:
        return "Nothing has been measured."
    text = table([*facts.figures, *losses])
    if facts.figures:
        text += "\n\nNobody measured on was trained on. Intervals: 95 %, bootstrap over people or families."
    return text


def _privacy(facts: CardFacts) -> str:
    withheld, power = facts.withheld, facts.membership
    rate = f"{power.false_positive_rate:.0%}"
    lines = [
        f"- Rare variants: {withheld.n_withheld:,} of {withheld.n_variants:,} had a rarer allele counted fewer than "
        f"{withheld.min_allele_count} times; their frequencies, loadings and cut points are withheld.",
        f"- Membership: whoever holds a person's genome can test whether it is among the {power.n_people:,} people "
        f"behind the {power.n_variants:,} published frequencies. At a false positive rate of {rate} such a test finds "
        + (f"{power.simple:.1%} of members if it ignores linkage, and " if power.simple is not None else "")
        + f"at most {power.most:.1%} of members whatever it knows of linkage. Source: the likelihood-ratio test of "
        "Sankararaman et al. 2009, power = Phi(sqrt(m / n) - z), for population frequencies known exactly; loadings "
        "and weights are not counted and may tell more.",
    ]
    return "\n".join([*lines, *_guarantee(facts.record.get("privacy"))])


def _guarantee(content: dict[str, Any] | None) -> list[str]:
    """Differential privacy: what it covers, how it was reached, what it does not cover."""
    if content is None:
        return ["- The weights were trained without differential privacy: no formal guarantee."]
    privacy = PrivacyRecord.of(content)
    if not privacy.holds:
        return [
            "- The weights were trained with clipped and noised gradients, but the noise came from a fixed seed: "
            "whoever knows it can take the noise off again. No formal guarantee."
        ]
    return [
        f"- Differential privacy of the weights: epsilon {privacy.epsilon:.4g}, delta {privacy.delta:g}, for adding or "
        f"removing one {privacy.unit} of {privacy.units:,}. DP-SGD: noise {privacy.noise_multiplier:.3g} times the "
        f"clipping norm {privacy.clip_norm:g}, {privacy.steps:,} steps, each {privacy.unit} taking part with "
        f"probability {privacy.sample_rate:.3g}; {privacy.accountant.upper()} accountant; noise from the operating "
        "system, not kept.",
        "- Outside that guarantee:",
        *(f"    - {each}" for each in privacy.outside),
    ]


def _use(facts: CardFacts) -> str:
    lines = [
        "For research on genotypes of the same variants and a similar population. Another cohort is aligned to the "
        "variants and alleles of the featurizer; where many are absent, or ancestries differ, results will be worse "
        "than what was measured, and nothing here says by how much.",
        NOT_CLINICAL,
    ]
    if facts.architecture == "GdsForClassification" and facts.record.get("probabilities"):
        lines.insert(1, f"Probabilities are {facts.record['probabilities']}.")
    return "\n\n".join(lines)


def _load(facts: CardFacts) -> str:
    name = facts.repo_id
    if facts.architecture == "GdsForClassification":
        code = (
            "import gds\nfrom transformers import pipeline\n\n"
            f'classify = pipeline("genotype-classification", model="{name}")\npeople = classify("cohort.pgen")'
        )
        command = f"gds predict --model {name} --genotypes cohort.pgen --out predictions.tsv"
    elif facts.architecture == "GdsForDiffusion":
        code = (
            f'import gds\n\ngenerator = gds.GenotypeGenerator.from_pretrained("{name}")\n'
            "people = generator.generate(1000)"
        )
        command = f"gds generate --model {name} --n 1000 --out synthetic.pgen"
    else:
        code = (
            f'import gds\nfrom transformers import AutoModel\n\nencoder = AutoModel.from_pretrained("{name}")'
        )
        command = f"gds embed --model {name} --genotypes cohort.pgen --out embeddings.parquet"
    return f"```sh\npip install genotype-diffusion\n{command}\n```\n\n```python\n{code}\n```"
