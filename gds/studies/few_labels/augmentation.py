"""Synthetic labelled people for a few-label run, from a generator that saw those few labels only."""

import tempfile
from pathlib import Path

import numpy as np

from gds.classifiers.augmentation import classes_in_proportion
from gds.errors import UserError
from gds.features.dataset import arrow_dataset
from gds.features.featurizer import Featurizer
from gds.generation import GenotypeGenerator
from gds.models import GdsConfig, GdsForDiffusion
from gds.studies.few_labels.task import FewLabelTask
from gds.training import FeatureDataset, GdsTrainer
from gds.training.arguments import training_arguments

LABELLED_SHARE = 0.25


def few_label_generator(
    encoder: str | Path, task: FewLabelTask, *, n_steps: int = 200, learning_rate: float = 3e-3, seed: int = 0
) -> GenotypeGenerator:
    """Teach a pre-trained denoiser the classes of the labelled few.

    The unconditional denoiser gets a class embedding and goes on training on all training people. The
    labelled few carry their class and are repeated until they make up a quarter of an epoch; everyone
    else is the null class, so that guidance has its unconditional branch. No other label is in the task.

    Parameters
    ----------
    encoder
        Folder of a pre-trained :class:`gds.GdsForDiffusion`.
    task
        Its ``few`` and ``unlabelled`` people are learned from.
    n_steps, learning_rate
        Length and rate of the continued training.
    seed
        Of order, noise and timesteps.
    """
    featurizer = Featurizer.from_pretrained(encoder)
    few, unlabelled = (task.features(ids, featurizer) for ids in (task.few, task.unlabelled))
    return conditional_generator(
        encoder, few, task.labels_few, unlabelled, len(task.class_names),
        n_steps=n_steps, learning_rate=learning_rate, seed=seed,
    )  # fmt: skip


def conditional_generator(
    encoder: str | Path,
    labelled: np.ndarray,
    labels: np.ndarray,
    unlabelled: np.ndarray,
    n_classes: int,
    *,
    n_steps: int = 200,
    learning_rate: float = 3e-3,
    seed: int = 0,
) -> GenotypeGenerator:
    """:func:`few_label_generator` from features alone; whose labels these are is the caller's to know.

    Parameters
    ----------
    encoder
        Folder of a pre-trained :class:`gds.GdsForDiffusion`.
    labelled, unlabelled
        Features of training people, shape (sample, block, channel).
    labels
        Class indices of the labelled, shape (sample,).
    n_classes
        Number of classes.
    n_steps, learning_rate, seed
        As of :func:`few_label_generator`.
    """
    generator = GenotypeGenerator.from_pretrained(encoder)
    repeats = max(1, round(LABELLED_SHARE / (1 - LABELLED_SHARE) * len(unlabelled) / len(labelled)))
    features = np.concatenate([unlabelled, np.tile(labelled, (repeats, 1, 1))])
    classes = np.concatenate([np.full(len(unlabelled), -100), np.tile(labels, repeats)])
    model = conditional_copy(generator.model, n_classes, seed)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = GdsTrainer(
            model=model,
            args=training_arguments(
                Path(scratch),
                seed=seed,
                max_steps=n_steps,
                per_device_train_batch_size=64,
                learning_rate=learning_rate,
                lr_scheduler_type="cosine",
                eval_strategy="no",
                save_strategy="no",
                logging_strategy="no",
                report_to=[],
            ),
            train_dataset=FeatureDataset(arrow_dataset(features, classes), *features.shape[1:]),
        )
        trainer.train()
    return GenotypeGenerator(model, generator.featurizer)


def conditional_copy(model: GdsForDiffusion, n_classes: int, seed: int = 0) -> GdsForDiffusion:
    """The same denoiser with a new class embedding; everything else keeps its trained weights.

    The null class adds nothing, so that people without a class are denoised as before. Classes start at the size of
    standard normal draws: from the usual 0.02 the few labelled people do not move them away from each other.
    """
    import torch
    from transformers import set_seed

    if model.config.n_condition_classes == n_classes:
        return model
    config = GdsConfig.from_dict(model.config.to_dict() | {"n_condition_classes": n_classes})
    set_seed(seed)
    conditional = GdsForDiffusion(config)
    new = set(conditional.state_dict()) - set(model.state_dict())
    trained = {name: value for name, value in model.state_dict().items() if "class_embedding" not in name}
    conditional.load_state_dict(conditional.state_dict() | trained)
    with torch.no_grad():
        for name, weight in conditional.named_parameters():
            if "class_embedding" in name:
                weight.normal_()
                weight[-1] = 0
    unexplained = [name for name in new if "class_embedding" not in name]
    if unexplained:
        raise UserError(
            f"the denoiser cannot be made conditional: {', '.join(unexplained)} would be untrained"
        )
    return conditional


def synthetic_people(
    generator: GenotypeGenerator,
    labels_few: np.ndarray,
    ratio: float,
    *,
    guidance_scale: float = 1.0,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """``ratio`` synthetic people for each labelled one, with the same class proportions.

    Returns
    -------
    features : numpy.ndarray
        Shape (sample, block, channel).
    labels : numpy.ndarray
        Class each was generated for, shape (sample,).
    """
    labels = classes_in_proportion(labels_few, ratio, seed)
    features = generator.generate(len(labels), labels=labels, seed=seed, guidance_scale=guidance_scale)
    return features, labels
