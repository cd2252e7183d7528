"""The private loop: who is drawn, nothing but the private gradient decides the weights, a killed run goes on."""

import json
import math

import numpy as np
import pytest
import torch

pytest.importorskip("opacus")

from gds.errors import UserError
from gds.models import GdsForDiffusion
from gds.training.arguments import training_arguments
from gds.training.private.people import PeopleDataset, PoissonSampler
from gds.training.private.randomness import Randomness
from gds.training.private.settings import PrivacySettings
from gds.training.private.trainer import PrivateTrainer


def test_people_are_drawn_by_a_coin_each():
    drawn = list(PoissonSampler(2000, 0.3, range(50), Randomness(0)))
    sizes = np.array([len(each) for each in drawn])
    # Binomial: mean 600, variance 420; a fixed batch size would have none.
    assert abs(sizes.mean() - 600) < 6 * math.sqrt(420 / 50)
    assert 420 / 2 < sizes.var() < 420 * 2
    again = list(PoissonSampler(2000, 0.3, range(40, 50), Randomness(0)))
    assert drawn[40:] == again
    assert len(list(PoissonSampler(5, 0.0, range(3), Randomness(0)))) == 3  # nobody is a batch too


def test_all_rows_of_a_person_come_together(continuous):
    people = PeopleDataset(continuous, [f"person {row % 20}" for row in range(42)])
    assert (len(people), people.most_rows) == (20, 3)
    batch = people.__getitems__([0, 5])
    assert batch["person"].tolist() == [0, 0, 0, 1, 1]
    assert len(people.__getitems__([])["features"]) == 0
    with pytest.raises(UserError, match="a person for each of 42 rows"):
        PeopleDataset(continuous, ["a", "b"])


def private_trainer(people, folder, make_config, seed=0, **options):
    """Options of training by their names, of privacy with ``privacy_`` before theirs."""
    own = {
        name.removeprefix("privacy_"): value for name, value in options.items() if name.startswith("privacy_")
    }
    own = {"epsilon": 8.0, "delta": 1e-3, "batch_people": 8, "noise_seed": 1, "accountant": "rdp", **own}
    training = {name: value for name, value in options.items() if not name.startswith(("privacy_", "ema"))}
    arguments = training_arguments(
        folder, seed=seed, report_to=[],
        **{"num_train_epochs": 3, "learning_rate": 1e-2, "per_device_train_batch_size": 16, **training},
    )  # fmt: skip
    torch.manual_seed(0)
    model = GdsForDiffusion(make_config(backbone="mlp", mlp_sizes=[16, 8], use_timestep=True))
    return PrivateTrainer(
        model, people, PrivacySettings.of(own), arguments, folder, ema_decay=options.get("ema_decay")
    )


def no_figures():
    return {}


def weights_of(trainer):
    return torch.cat([value.detach().flatten() for value in trainer.model.parameters()])


def test_without_noise_and_clipping_it_is_plain_gradient_descent(continuous, tmp_path, make_config):
    """Everyone in every step, a bound that nobody reaches, SGD: the mean gradient over people, step by step."""
    units = [f"{row % 30}" for row in range(42)]
    people = PeopleDataset(continuous, units)
    trainer = private_trainer(
        people,
        tmp_path,
        make_config,
        privacy_batch_people=30,
        privacy_clip_norm=1e9,
        privacy_draws=1,
        max_steps=3,
    )
    trainer.noise = 0.0
    trainer.optimiser = torch.optim.SGD(trainer.model.parameters(), lr=0.1)
    trainer.schedule = torch.optim.lr_scheduler.ConstantLR(trainer.optimiser, 1.0)
    plain = private_trainer(people, tmp_path, make_config).model.train()
    everyone = people.__getitems__(list(range(30)))["features"]
    chance = Randomness(1)
    for step in range(3):
        chance.start_step(step)
        chance.uniform(30)  # the coins of everyone come first
        # Five people at a time, as the trainer holds them: 16 rows, three of a person who has most.
        keys = torch.cat([chance.keys(len(part)) for part in _parts(people, 5)])
        plain.zero_grad()
        (plain(everyone, keys).loss * len(everyone) / 30).backward()
        with torch.no_grad():
            for value in plain.parameters():
                value.sub_(0.1 * value.grad)
    trainer.people_at_once = 5
    trainer.train(no_figures)
    expected = torch.cat([value.detach().flatten() for value in plain.parameters()])
    torch.testing.assert_close(weights_of(trainer), expected, rtol=1e-4, atol=1e-6)


def _parts(people, size):
    return [people.__getitems__(list(range(at, at + size)))["person"] for at in range(0, len(people), size)]


def test_memory_does_not_decide_the_weights(continuous, tmp_path, make_config):
    """One person at a time or all at once: the same sum, up to the noise levels drawn, which are one to one."""
    people = PeopleDataset(continuous, np.arange(42))
    options = {"privacy_draws": 1, "max_steps": 4}
    results = []
    for name, rows in (("small", 1), ("large", 64)):
        trainer = private_trainer(
            people, tmp_path / name, make_config, per_device_train_batch_size=rows, **options
        )
        trainer.noise = 0.0  # its draws would come between those of the noise levels
        trainer.train(no_figures)
        results.append(weights_of(trainer))
    torch.testing.assert_close(results[0], results[1], rtol=1e-4, atol=1e-5)


def test_a_killed_run_goes_on_to_the_same_weights_and_account(continuous, tmp_path, make_config):
    people = PeopleDataset(continuous, np.arange(42) // 2)
    whole = private_trainer(people, tmp_path / "whole", make_config, ema_decay=0.9)
    run = whole.train(no_figures)
    assert run.n_people == 21
    assert run.epsilon <= 8.0

    class Killed(Exception):
        pass

    def kill():
        kill.calls += 1
        if kill.calls == 3:
            raise Killed
        return {}

    kill.calls = 0
    with pytest.raises(Killed):
        private_trainer(people, tmp_path / "cut", make_config, ema_decay=0.9).train(kill)
    again = private_trainer(people, tmp_path / "cut", make_config, ema_decay=0.9)
    assert again.train(no_figures).epsilon == run.epsilon
    assert torch.equal(weights_of(whole), weights_of(again))
    assert not [path for path in (tmp_path / "cut").rglob("*") if path.suffix in (".pt", ".bin", ".pkl")]
    (last,) = (tmp_path / "cut").glob("step-*")
    assert json.loads((last / "run.json").read_text())["account"] == [[run.noise, run.sample_rate, run.steps]]


def test_settings_are_checked():
    assert PrivacySettings.of({"epsilon": 1, "delta": 1e-4}).accountant == "prv"
    for section, message in (
        ({"epsilon": 1.0}, "needs --dp-delta"),
        ({"epsilon": -1, "delta": 0.1}, "epsilon: expected a number above 0"),
        ({"epsilon": 1, "delta": 2}, "delta: expected between 0 and 1"),
        ({"epsilon": 1, "delta": 0.1, "acountant": "rdp"}, "did you mean 'accountant'"),
        ({"epsilon": 1, "delta": 0.1, "draws": 0}, "draws: expected a whole number"),
    ):
        with pytest.raises(UserError, match=message):
            PrivacySettings.of(section)


def test_a_step_in_which_nobody_is_drawn_is_noise_alone(continuous, tmp_path, make_config):
    """It is taken and counted: leaving it out would tell that nobody was drawn."""
    people = PeopleDataset(continuous, np.arange(42))
    trainer = private_trainer(people, tmp_path, make_config, privacy_batch_people=1, max_steps=6)
    drawn = [len(each) for each in PoissonSampler(42, 1 / 42, range(6), Randomness(1))]
    assert 0 in drawn
    before = weights_of(trainer)
    run = trainer.train(no_figures)
    assert not torch.equal(before, weights_of(trainer))
    (last,) = tmp_path.glob("step-*")
    assert json.loads((last / "run.json").read_text())["account"] == [[run.noise, 1 / 42, 6]]
