import functools
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import debug_launcher
from transformers import TrainingArguments

from gds.errors import UserError
from gds.models import (
    GdsConfig,
    GdsForClassification,
    GdsForContrastive,
    GdsForDiffusion,
    GdsForMaskedModeling,
)
from gds.models.randomness import EVALUATION_EPOCH, draw_keys
from gds.training import FeatureDataset, GdsTrainer
from gds.training.arguments import loading_options, training_arguments

N_BLOCKS, N_CHANNELS = 6, 4


def diffusion(make_config, **options):
    torch.manual_seed(0)
    return GdsForDiffusion(make_config(use_timestep=True, **options))


@pytest.mark.parametrize("ema_decay", [None, 0.9])
@pytest.mark.parametrize("accumulation", [1, 2])
def test_resuming_equals_an_uninterrupted_run(
    ema_decay, accumulation, continuous, make_config, make_arguments
):
    """Bit for bit, in the middle of an epoch, with dropout, shuffling and averaged weights."""
    options = {
        "num_train_epochs": 3, "save_strategy": "steps", "save_steps": 4,
        "gradient_accumulation_steps": accumulation,
    }  # fmt: skip
    arguments = make_arguments(**options)
    model = diffusion(make_config, hidden_dropout=0.2)
    GdsTrainer(model, arguments, continuous, ema_decay=ema_decay).train()
    torch.manual_seed(99)
    other = GdsForDiffusion(model.config)
    resumed = GdsTrainer(other, arguments, continuous, ema_decay=ema_decay)
    resumed.train(resume_from_checkpoint=f"{arguments.output_dir}/checkpoint-4")
    for name, value in model.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def test_resuming_without_the_average_is_refused(continuous, make_config, make_arguments):
    arguments = make_arguments(max_steps=4, save_strategy="steps", save_steps=2)
    GdsTrainer(diffusion(make_config), arguments, continuous).train()
    trainer = GdsTrainer(diffusion(make_config), arguments, continuous, ema_decay=0.9)
    with pytest.raises(UserError, match=r"ema\.safetensors"):
        trainer.train(resume_from_checkpoint=f"{arguments.output_dir}/checkpoint-2")


def test_average_is_what_the_formula_says(continuous, make_config, make_arguments):
    model = diffusion(make_config)
    seen = [{name: value.detach().clone() for name, value in model.named_parameters()}]
    trainer = GdsTrainer(model, make_arguments(max_steps=3), continuous, ema_decay=0.5)

    from transformers import TrainerCallback

    class Record(TrainerCallback):
        def on_step_end(self, args, state, control, model, **kwargs):
            seen.append({name: value.detach().clone() for name, value in model.named_parameters()})

    trainer.add_callback(Record())
    trainer.train()
    for name, value in model.named_parameters():
        average = seen[0][name]
        for step in (1, 2, 3):
            decay = min(0.5, (1 + step) / (10 + step))
            average = decay * average + (1 - decay) * seen[step][name]
        torch.testing.assert_close(value, average)


@pytest.mark.parametrize("kind", ["diffusion", "masked", "classification"])
def test_evaluation_is_the_exact_mean_over_people(kind, continuous, dosages, make_config, make_arguments):
    torch.manual_seed(0)
    if kind == "diffusion":
        model, data = diffusion(make_config), continuous
    elif kind == "masked":
        model, data = GdsForMaskedModeling(make_config(input_kind="tokens")), dosages
    else:
        model, data = GdsForClassification(make_config()), continuous
    metrics = {}
    for batch_size in (42, 5):
        arguments = make_arguments(per_device_eval_batch_size=batch_size)
        metrics[batch_size] = GdsTrainer(model, arguments, eval_dataset=data).evaluate()
    model.eval()
    batch = data.__getitems__(list(range(42)))
    sample = batch.pop("sample")
    if kind != "classification":
        batch["draw_key"] = draw_keys(3, EVALUATION_EPOCH, sample)
    output = model(**batch)
    for name, value in output.statistics.items():
        expected = value[:, 0].sum() / value[:, 1].sum()
        for batch_size in (42, 5):
            assert metrics[batch_size][f"eval_{name}"] == pytest.approx(expected.item(), rel=1e-5), name
    assert metrics[5]["eval_loss"] == pytest.approx(output.loss.item(), rel=1e-5)


def test_predictions_carry_the_logits_and_further_metrics(continuous, make_config, make_arguments):
    model = GdsForClassification(make_config())

    def score(logits, labels):
        return {"cases": float((labels == 1).sum()), "width": logits.shape[1]}

    trainer = GdsTrainer(model, make_arguments(), eval_dataset=continuous, compute_metrics=score)
    prediction = trainer.predict(continuous)
    assert prediction.predictions["logits"].shape == (42, 2)
    assert prediction.metrics["test_cases"] == (continuous.labels == 1).sum()
    assert prediction.metrics["test_width"] == 2


def test_training_logs_the_heads_metrics(dosages, make_config, make_arguments):
    model = GdsForMaskedModeling(make_config(input_kind="tokens"))
    trainer = GdsTrainer(
        model, make_arguments(num_train_epochs=2, eval_strategy="epoch", logging_steps=3), dosages, dosages
    )
    trainer.train()
    history = trainer.state.log_history
    training = [entry for entry in history if "loss" in entry]
    validation = [entry for entry in history if "eval_loss" in entry]
    assert all(
        {"accuracy", "non_major_accuracy", "grad_norm", "samples_seen"} <= set(entry) for entry in training
    )
    assert all({"eval_accuracy", "eval_non_major_accuracy"} <= set(entry) for entry in validation)
    assert training[0]["samples_seen"] == 24
    json.dumps(history)


def test_draw_keys_change_with_the_epoch_and_stay_in_evaluation(continuous, make_config, make_arguments):
    model = diffusion(make_config)
    trainer = GdsTrainer(model, make_arguments(), continuous)
    inputs = continuous.__getitems__([4, 5])
    trainer.state.epoch = 0.75
    model.train()
    first = trainer._prepare_inputs(inputs)["draw_key"]
    trainer.state.epoch = 1.25
    assert not torch.equal(first, trainer._prepare_inputs(inputs)["draw_key"])
    assert torch.equal(first, draw_keys(3, 0, torch.tensor([4, 5])))
    model.eval()
    fixed = trainer._prepare_inputs(inputs)["draw_key"]
    assert torch.equal(fixed, draw_keys(3, EVALUATION_EPOCH, torch.tensor([4, 5])))


def test_a_loss_that_is_not_finite_stops_training(continuous, make_config, make_arguments):
    model = diffusion(make_config)
    with torch.no_grad():
        model.gds.backbone.norm.weight.fill_(float("nan"))
        model.diffusion_head.token_layer.weight.fill_(1.0)
    with pytest.raises(UserError, match="loss is nan at step 1"):
        GdsTrainer(model, make_arguments(max_steps=2), continuous).train()


def test_people_without_a_finite_loss_are_named(arrow_dataset, make_config, make_arguments):
    values = np.random.default_rng(0).normal(size=(12, N_BLOCKS * N_CHANNELS)).astype(np.float32)
    values[7] = 1e30  # finite, so that it may enter, but its square is not
    data = FeatureDataset(arrow_dataset(values, np.zeros(12, dtype=int)), N_BLOCKS, N_CHANNELS)
    model = diffusion(make_config)
    arguments = make_arguments(per_device_train_batch_size=12, max_steps=2)
    with pytest.raises(UserError, match=r"at step 1: 1 of the 12 people .* rows 7 of the training data"):
        GdsTrainer(model, arguments, data).train()
    with pytest.raises(UserError, match=r"not finite for 1 of 12 people, first for row 7 of the validation"):
        GdsTrainer(model, arguments, eval_dataset=data).evaluate()


def test_diverged_weights_never_become_a_checkpoint(continuous, make_config, make_arguments):
    from transformers import TrainerCallback

    class Diverge(TrainerCallback):
        def on_step_end(self, args, state, control, model, **kwargs):
            if state.global_step == 3:
                with torch.no_grad():
                    model.gds.backbone.norm.weight[0] = float("inf")

    arguments = make_arguments(max_steps=5, save_strategy="steps", save_steps=1)
    with pytest.raises(UserError, match=r"norm\.weight are not finite after step 3.*checkpoint is untouched"):
        GdsTrainer(diffusion(make_config), arguments, continuous, callbacks=[Diverge()]).train()
    assert sorted(path.name for path in Path(arguments.output_dir).iterdir()) == [
        "checkpoint-1", "checkpoint-2",
    ]  # fmt: skip
    kept = GdsForDiffusion.from_pretrained(f"{arguments.output_dir}/checkpoint-2")
    assert all(value.isfinite().all() for value in kept.parameters())


@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set:UserWarning")
def test_loading_as_for_a_gpu_changes_nothing(continuous, make_config, tmp_path):
    """Other processes, pinned memory, copies that do not wait: the numbers are those of the plainest loading."""
    losses = []
    for on_gpu in (False, True):
        arguments = training_arguments(
            tmp_path, seed=3, use_cpu=True, max_steps=4, disable_tqdm=True, logging_steps=1, save_strategy="no",
            report_to=[], **loading_options(on_gpu),
        )  # fmt: skip
        assert arguments.accelerator_config.non_blocking == on_gpu
        trainer = GdsTrainer(diffusion(make_config), arguments, continuous)
        trainer.train()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    assert losses[0] == losses[1]


def test_the_optimiser_is_fused_and_a_compiled_model_learns_the_same(continuous, make_config, make_arguments):
    losses = []
    for options in ({}, {"torch_compile": True, "torch_compile_backend": "eager"}):
        arguments = make_arguments(max_steps=3, **options)
        assert arguments.optim == "adamw_torch_fused"
        trainer = GdsTrainer(diffusion(make_config), arguments, continuous)
        trainer.train()
        losses.append([entry["loss"] for entry in trainer.state.log_history if "loss" in entry])
    torch._dynamo.reset()
    assert losses[1] == pytest.approx(losses[0], rel=1e-5)


def test_impossible_runs_are_refused(continuous, make_config, make_arguments, monkeypatch):
    with pytest.raises(UserError, match="labels: expected less than 1"):
        GdsTrainer(diffusion(make_config, n_condition_classes=1), make_arguments(), continuous)
    with pytest.raises(UserError, match="exclude each other"):
        arguments = make_arguments(
            load_best_model_at_end=True,
            eval_strategy="steps",
            save_strategy="steps",
            eval_steps=2,
            save_steps=2,
        )
        GdsTrainer(diffusion(make_config), arguments, continuous, continuous, ema_decay=0.9)
    with pytest.raises(UserError, match="between 0 and 1"):
        GdsTrainer(diffusion(make_config), make_arguments(), continuous, ema_decay=1.0)
    arguments = make_arguments()
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UserError, match="WORLD_SIZE is 2"):
        GdsTrainer(diffusion(make_config), arguments, continuous)


@pytest.mark.parametrize("kind", ["diffusion", "masked", "classification"])
def test_float16_features_train_as_their_float32_copies(kind, arrow_dataset, make_config, make_arguments):
    """The models widen them: the numbers are the same, and so is every weight."""
    rng = np.random.default_rng(0)
    stored = rng.normal(size=(24, N_BLOCKS * N_CHANNELS)).astype(np.float16)
    labels = rng.integers(0, 2, 24)
    weights = []
    for values in (stored, stored.astype(np.float32)):
        torch.manual_seed(0)
        if kind == "diffusion":
            model = diffusion(make_config)
        elif kind == "masked":
            model = GdsForMaskedModeling(make_config(mask_channels=True))
        else:
            model = GdsForClassification(make_config())
        data = FeatureDataset(arrow_dataset(values, labels), N_BLOCKS, N_CHANNELS)
        GdsTrainer(model, make_arguments(max_steps=3), data).train()
        weights.append(model.state_dict())
    for name, value in weights[0].items():
        assert torch.equal(weights[1][name], value), name


def _train(arrow_dataset, folder, batch_size, model_class=GdsForDiffusion):
    """Train a tiny model; rank 0 writes its curve and weights."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    values = rng.normal(size=(32, N_BLOCKS * N_CHANNELS)).astype(np.float32)
    data = FeatureDataset(arrow_dataset(values, rng.integers(0, 2, 32)), N_BLOCKS, N_CHANNELS)
    torch.manual_seed(0)
    special = {"use_timestep": True} if model_class is GdsForDiffusion else {"mask_channels": True}
    model = model_class(
        GdsConfig(
            n_blocks=N_BLOCKS, n_channels=N_CHANNELS, hidden_size=16, num_hidden_layers=1,
            num_attention_heads=2, intermediate_size=32, blocks_per_token=2, n_condition_classes=2, **special,
        )
    )  # fmt: skip
    arguments = TrainingArguments(
        output_dir=str(folder), per_device_train_batch_size=batch_size, per_device_eval_batch_size=5,
        num_train_epochs=2, learning_rate=1e-2, seed=3, report_to="none", use_cpu=True, disable_tqdm=True,
        logging_steps=1, save_strategy="no", eval_strategy="epoch",
    )  # fmt: skip
    trainer = GdsTrainer(model, arguments, data, data, ema_decay=0.9)
    trainer.train()
    if trainer.is_world_process_zero():
        kept = (
            "loss", "eval_loss", "shrinkage_loss", "eval_retrieval_accuracy", "grad_norm", "samples_seen",
        )  # fmt: skip
        curve = [[entry.get(name, 0.0) for name in kept] for entry in trainer.state.log_history[:-1]]
        (folder / "curve.json").write_text(json.dumps(curve))
        model.save_pretrained(folder)


@pytest.mark.parametrize("model_class", [GdsForDiffusion, GdsForContrastive])
def test_two_processes_train_as_one(model_class, tmp_path, arrow_dataset):
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    _train(arrow_dataset, one, 8, model_class)
    debug_launcher(functools.partial(_train, arrow_dataset, two, 4, model_class), num_processes=2)
    curves = [json.loads((folder / "curve.json").read_text()) for folder in (one, two)]
    assert len(curves[0]) == len(curves[1]) > 8
    for single, double in zip(*curves, strict=True):
        assert double == pytest.approx(single, rel=1e-4)
    weights = [model_class.from_pretrained(folder).state_dict() for folder in (one, two)]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=1e-3, atol=1e-4)
