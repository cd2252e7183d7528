"""HWE-EM whose prior are the genotypes that a pre-trained model expects, on the people of a few-label task."""

from pathlib import Path

import numpy as np

from gds.classifiers.mixtures.expected_genotypes import (
    ComponentExpectation,
    ExpectedGenotypes,
    NetworkExpectation,
)
from gds.classifiers.mixtures.frequency_prior import ExpectedGenotypePrior
from gds.classifiers.mixtures.hwe_mixture import HWEMixture
from gds.models import GdsConfig
from gds.studies.few_labels.task import FewLabelTask

CONTROL = "HWE-EM, component prior, LD-pruned"  # components in the network's place


def prior_method(encoder: str) -> str:
    """Name of the method with an encoder's expected genotypes."""
    return f"HWE-EM, {encoder} prior, LD-pruned"


def expects_genotypes(folder: Path) -> bool:
    """Whether a folder holds a masked model of tokens or a denoiser."""
    config = GdsConfig.from_pretrained(folder)
    name = (config.architectures or [""])[0]
    return name == "GdsForDiffusion" or (name == "GdsForMaskedModeling" and config.input_kind == "tokens")


def expectation(task: FewLabelTask, folder: Path) -> NetworkExpectation:
    """The expected genotypes of a pre-trained model at the variants of a task."""
    return NetworkExpectation.from_pretrained(folder, task.variants)


def hwe_with_prior(task: FewLabelTask, expected: ExpectedGenotypes | None, seed: int) -> np.ndarray:
    """Class probabilities of the test people, shape (sample, class), on LD-pruned variants.

    Parameters
    ----------
    task
        People and labels.
    expected
        Of a network; None: of components, the control.
    seed
        Of folds and components.
    """
    prior = ExpectedGenotypePrior(expected or ComponentExpectation(seed=seed), seed=seed)
    model = HWEMixture(prior=prior, variants=task.pruned, seed=seed)
    few, unlabelled, test = (task.dosages(ids) for ids in (task.few, task.unlabelled, task.test))
    model.fit(few, task.labels_few, unlabelled=unlabelled, groups=task.families(task.few))
    return model.predict_proba(test)
