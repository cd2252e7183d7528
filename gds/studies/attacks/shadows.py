"""Shadow models: trained as the attacked model was, on other people, to learn which people are easy for any model.

They come in pairs, each trained on one half of the held-out people, so that everyone held out is unknown to exactly
one model of each pair. Every shadow is saved when it is trained; an interrupted attack goes on with the next one.
"""

import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm
from transformers import set_seed

from gds.errors import UserError
from gds.features.dataset import arrow_dataset
from gds.files import RUN_RECORD, atomic_directory, read_json, sha256, write_json
from gds.models import GdsConfig
from gds.models.randomness import draw_keys
from gds.repository import WEIGHTS
from gds.studies.attacks.attacked_people import AttackedPeople
from gds.studies.pretraining.run import MODELS
from gds.training import FeatureDataset, GdsTrainer
from gds.training.arguments import training_arguments
from gds.training.person_losses import person_losses

_FOLDER = "shadow-models"
_TIMED_STEPS = 3


@dataclass(frozen=True)
class ShadowRecipe:
    """How the attacked model was trained, read from its folder.

    Attributes
    ----------
    model
        Its folder.
    objective
        ``diffusion`` or ``masked``.
    training
        Its ``training`` section.
    """

    model: Path
    objective: str
    training: dict[str, Any]

    @classmethod
    def of(cls, model: str | Path) -> "ShadowRecipe":
        """Read it.

        Raises
        ------
        UserError
            The folder does not say.
        """
        model = Path(model)
        config = read_json(model / RUN_RECORD).get("config") if (model / RUN_RECORD).is_file() else None
        if not config or config.get("objective") not in MODELS or not config.get("training"):
            raise UserError(
                f"{model} does not say how it was trained (run.json of gds pretrain), so that no shadow model can be "
                "trained the same way: --shadow-models 0 attacks without them"
            )
        return cls(model, config["objective"], config["training"])

    def new_model(self, seed: int) -> Any:
        """A network of the same shape with new weights."""
        source = MODELS[self.objective].from_pretrained(self.model)
        set_seed(seed)
        model = MODELS[self.objective](GdsConfig.from_pretrained(self.model))
        model.gds.set_padding(source.gds.is_padding)
        return model


def shadow_losses(
    recipe: ShadowRecipe,
    people: AttackedPeople,
    folder: str | Path,
    *,
    n_models: int,
    n_draws: int,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Train shadow models, or read those trained before, and ask each about everyone.

    Parameters
    ----------
    recipe
        How they are trained: the settings of the attacked model, without the noise of differential privacy.
    people
        Members and others; shadows are trained on halves of the others.
    folder
        Of the evaluation; shadows are kept in its ``shadow-models``.
    n_models
        An even number.
    n_draws
        See :func:`gds.training.person_losses.person_losses`.
    seed
        Of halves, weights and training.

    Returns
    -------
    losses : numpy.ndarray
        float64 (shadow, person).
    is_out : numpy.ndarray
        bool (shadow, person): of each pair exactly one, and none that was trained on the person.

    Raises
    ------
    UserError
        An odd number of models, or too few people for a half.
    """
    if n_models < 2 or n_models % 2:
        raise UserError(
            f"--shadow-models {n_models}: expected an even number (they are trained in pairs), or 0"
        )
    others = np.flatnonzero(~people.is_member)
    if len(others) < 4:
        raise UserError(f"{len(others)} held-out people are too few to train shadow models on halves of them")
    rng = np.random.default_rng(seed)
    losses, is_out = [], np.zeros((n_models, people.n_people), dtype=bool)
    bar = tqdm(total=n_models, desc="shadow models", unit="model", disable=None)
    for pair in range(n_models // 2):
        in_first = np.zeros(people.n_people, dtype=bool)
        in_first[rng.permutation(others)[: len(others) // 2]] = True
        in_second = ~in_first & ~people.is_member
        # Nobody trained on was seen by either: one of the two at random, as many as of the others.
        coin = rng.random(people.n_people) < 0.5
        is_out[2 * pair] = np.where(people.is_member, coin, in_second)
        is_out[2 * pair + 1] = np.where(people.is_member, ~coin, in_first)
        for number, chosen in ((2 * pair, in_first), (2 * pair + 1, in_second)):
            rows = people.features[people.rows_of(np.flatnonzero(chosen))]
            model = _trained(recipe, rows, Path(folder) / _FOLDER / str(number), seed + 1 + number, n_models)
            losses.append(people.by_person(person_losses(model, people.features, n_draws=n_draws, seed=seed)))
            bar.update()
    bar.close()
    return np.stack(losses), is_out


def _trained(recipe: ShadowRecipe, rows: np.ndarray, folder: Path, seed: int, n_models: int) -> Any:
    """A shadow model trained on these rows, now or in an earlier run with the same rows and settings."""
    dataset = FeatureDataset(arrow_dataset(rows, np.full(len(rows), -100)), *rows.shape[1:])
    claim = {
        "seed": seed,
        "rows": dataset.fingerprint(),
        "attacked": sha256(recipe.model / WEIGHTS),
        **{name: value for name, value in asdict(recipe).items() if name != "model"},
    }
    if (folder / RUN_RECORD).is_file() and read_json(folder / RUN_RECORD) == claim:
        return MODELS[recipe.objective].from_pretrained(folder)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = _trainer(recipe, dataset, scratch, seed)
        if folder.name == "0":
            _print_estimate(trainer, n_models)
        trainer.train()
    model = trainer.accelerator.unwrap_model(trainer.model)
    with atomic_directory(folder) as temporary:
        model.save_pretrained(temporary)
        write_json(temporary / RUN_RECORD, claim)
    return model


def _trainer(recipe: ShadowRecipe, dataset: FeatureDataset, scratch: str, seed: int) -> GdsTrainer:
    settings = {
        **recipe.training, "eval_strategy": "no", "save_strategy": "no", "logging_strategy": "no",
        "report_to": [], "disable_tqdm": True, "load_best_model_at_end": False,
    }  # fmt: skip
    ema_decay = settings.pop("ema_decay", None)
    batch = min(settings.get("per_device_train_batch_size", 8), len(dataset))
    settings["per_device_train_batch_size"] = batch
    arguments = training_arguments(scratch, seed=seed, **settings)
    return GdsTrainer(
        model=recipe.new_model(seed), args=arguments, train_dataset=dataset, ema_decay=ema_decay
    )


def _print_estimate(trainer: GdsTrainer, n_models: int) -> None:
    """Time a few steps, whose gradients are thrown away, and say how long all of it will take."""
    arguments, model, dataset = trainer.args, trainer.model, trainer.train_dataset
    batch = dataset.__getitems__(list(range(min(arguments.train_batch_size, len(dataset)))))
    sample = batch.pop("sample").to(model.device)
    inputs = {name: value.to(model.device) for name, value in batch.items()}
    model.train()
    begin = time.perf_counter()
    for _ in range(_TIMED_STEPS):
        model(draw_key=draw_keys(0, 0, sample), **inputs).loss.backward()
    model.zero_grad()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    per_step = (time.perf_counter() - begin) / _TIMED_STEPS
    steps = arguments.max_steps
    if steps <= 0:
        steps = int(len(trainer.get_train_dataloader()) * arguments.num_train_epochs)
    print(
        f"{n_models} shadow models of {steps} steps, about {1.3 * per_step * steps * n_models / 60:.1f} minutes "
        f"({1000 * per_step:.0f} ms a step)",
        flush=True,
    )
