"""The card of a data set of synthetic people."""

import pandas as pd

from gds.genotypes import GenotypeSource
from gds.hub.card import TO_FILL_IN
from gds.hub.figures import Figure, table
from gds.provenance import NOT_CLINICAL


def dataset_card(
    repo_id: str,
    source: GenotypeSource,
    labels: pd.Series | None,
    provenance: str,
    figures: list[Figure],
    ending: str,
    licence: str,
    data_use: str | None,
) -> str:
    """Text of ``README.md``.

    Parameters
    ----------
    repo_id
        Where it will be.
    source
        The people.
    labels
        Their classes; None if there are none.
    provenance
        How they were made.
    figures
        Of their evaluation.
    ending
        Of the genotype file.
    licence, data_use
        Identifier of the licence, and the statement of whoever publishes it.
    """
    from huggingface_hub import DatasetCardData

    data = DatasetCardData(
        license=licence,
        pretty_name=repo_id.split("/")[-1],
        tags=["genotypes", "genetics", "synthetic", "gds"],
        configs=[
            {"config_name": "people", "data_files": "data/people-*.parquet", "default": True},
            {"config_name": "variants", "data_files": "data/variants.parquet"},
        ],
    )
    build = getattr(source, "genome_build", None)
    classes = "" if labels is None else "; classes: " + ", ".join(
        f"{name} {count}" for name, count in labels.value_counts(sort=False).items()
    )  # fmt: skip
    return f"""---
{data.to_yaml().strip()}
---

# {repo_id.split("/")[-1]}

{len(source.samples):,} synthetic people, {len(source.variants):,} variants{f", {build}" if build else ""}{classes}.
Nobody in this data set exists. Made by `{provenance}`.

## Files
- `data/people-*.parquet`: `id`, {"`label`, " if labels is not None else ""}`dosage` (copies of the effect
  allele of each variant: 0, 1, 2, or -1 missing).
- `data/variants.parquet`: the variants in the order of `dosage`, with their alleles.
- `genotypes/synthetic{ending}`: the same as a genotype file.

```python
from datasets import load_dataset

people = load_dataset("{repo_id}", split="train")
variants = load_dataset("{repo_id}", "variants", split="train")
```

## Fidelity and privacy
Measured by `gds evaluate` against real people, those that the generator was trained on and others. A synthetic person
may still be too close to a real one; what is below says how close they were found to be.

{table(figures)}

## Use
{NOT_CLINICAL}

## Licence and data use
Licence: {licence}.

{data_use or TO_FILL_IN}
"""
