import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from gds.errors import UserError
from gds.models import GdsConfig, GdsForClassification, GdsForDiffusion, GdsForMaskedModeling, GdsModel

HEADS = {
    "diffusion": (GdsForDiffusion, {"use_timestep": True, "n_condition_classes": 3}),
    "masked-tokens": (GdsForMaskedModeling, {"input_kind": "tokens", "n_condition_classes": 3}),
    "masked-continuous": (GdsForMaskedModeling, {"mask_channels": True}),
    "classification": (GdsForClassification, {"num_labels": 3}),
}
LABELS = torch.tensor([0, 1, 2, -100, 1, 0])


@pytest.fixture(params=HEADS)
def head(request, make_config):
    kind, options = HEADS[request.param]
    torch.manual_seed(0)
    return kind(make_config(**options))


def run(model, scores, tokens, keys):
    features = tokens if model.config.input_kind == "tokens" else scores
    if isinstance(model, GdsForClassification):
        return model(features, labels=LABELS)
    return model(features, keys, labels=LABELS)


def test_every_parameter_gets_a_gradient(head, scores, tokens, keys, shake):
    run(shake(head).train(), scores, tokens, keys).loss.backward()
    for name, value in head.named_parameters():
        assert value.grad is not None, name
        assert value.grad.abs().sum() > 0, name


def test_own_layers_before_and_after_get_gradients(make_config, scores, keys, shake):
    model = shake(GdsForDiffusion(make_config(use_timestep=True, block_hidden_size=5)))
    model(scores, keys).loss.backward()
    assert all(value.grad.abs().sum() > 0 for value in model.parameters())


def test_saving_and_loading_is_bit_identical(head, scores, tokens, keys, tmp_path, shake):
    shake(head).eval()
    encoder = head.gds
    encoder.set_padding(torch.arange(40).reshape(10, 4) % 7 == 0)
    head.save_pretrained(tmp_path)
    again = type(head).from_pretrained(tmp_path)
    assert not again.training
    for name, value in head.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name
    expected, found = (run(model, scores, tokens, keys) for model in (head, again))
    assert torch.equal(expected.logits, found.logits)
    assert torch.equal(expected.loss, found.loss)
    loaded = AutoModel.from_pretrained(tmp_path)
    assert isinstance(loaded, GdsModel)
    assert torch.equal(loaded.is_padding, encoder.is_padding)
    features = tokens if head.config.input_kind == "tokens" else scores
    assert torch.equal(loaded(features).pooler_output, encoder(features).pooler_output)
    assert isinstance(AutoConfig.from_pretrained(tmp_path), GdsConfig)


def test_encoder_moves_into_a_classifier_with_a_new_head(make_config, scores, tmp_path, shake):
    source = shake(GdsForDiffusion(make_config(use_timestep=True, n_condition_classes=2))).eval()
    source.save_pretrained(tmp_path)
    classifier, info = GdsForClassification.from_pretrained(tmp_path, num_labels=5, output_loading_info=True)
    assert all(key.startswith("classification_head.") for key in info["missing_keys"])
    assert all(key.startswith("diffusion_head.") for key in info["unexpected_keys"])
    for name, value in source.gds.state_dict().items():
        assert torch.equal(value, classifier.gds.state_dict()[name]), name
    assert classifier(scores).logits.shape == (6, 5)
    weight = classifier.classification_head[1].weight
    assert 0 < weight.std() < 0.1
    assert classifier.classification_head[1].bias.abs().sum() == 0


def test_auto_class_loads_a_classifier(make_config, scores, tmp_path):
    model = GdsForClassification(make_config(id2label={0: "control", 1: "case"})).eval()
    model.save_pretrained(tmp_path)
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path)
    assert isinstance(again, GdsForClassification)
    assert again.config.id2label == {0: "control", 1: "case"}
    assert torch.equal(again(scores).logits, model(scores).logits)


def test_other_number_of_labels_remakes_only_the_head(make_config, tmp_path):
    model = GdsForClassification(make_config(num_labels=2))
    model.save_pretrained(tmp_path)
    other = GdsForClassification.from_pretrained(tmp_path, num_labels=4, ignore_mismatched_sizes=True)
    assert other.classification_head[1].out_features == 4
    assert torch.equal(other.gds.backbone.norm.weight, model.gds.backbone.norm.weight)


@pytest.mark.parametrize("change", ["lacks", "has unknown"])
def test_a_damaged_encoder_is_refused(change, make_config, tmp_path):
    GdsForDiffusion(make_config(use_timestep=True)).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    if change == "lacks":
        del weights["gds.backbone.norm.weight"]
    else:
        weights["gds.backbone.extra"] = torch.zeros(2)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    for kind in (GdsForClassification, GdsForDiffusion, GdsModel):
        with pytest.raises(UserError, match=change):
            kind.from_pretrained(tmp_path)


def test_a_lost_head_is_refused_by_its_own_class(make_config, tmp_path):
    GdsForDiffusion(make_config(use_timestep=True)).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["diffusion_head.token_layer.bias"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    GdsForClassification.from_pretrained(tmp_path)
    with pytest.raises(UserError, match="diffusion_head"):
        GdsForDiffusion.from_pretrained(tmp_path)


def test_values_in_padding_cells_change_nothing(head, scores, tokens, keys, shake):
    shake(head).eval()
    padding = torch.zeros(10, 4, dtype=torch.bool)
    padding[3] = True
    padding[7, 2:] = True
    head.gds.set_padding(padding)
    before = run(head, scores, tokens, keys)
    tokens, scores = tokens.clone(), scores.clone()
    tokens[:, padding], scores[:, padding] = 1, 1e6
    after = run(head, scores, tokens, keys)
    assert torch.equal(before.loss, after.loss)
    assert torch.equal(before.logits, after.logits)


def test_evaluation_is_deterministic_and_dropout_is_not(make_config, scores, shake):
    model = shake(GdsForClassification(make_config(hidden_dropout=0.2, attention_dropout=0.2)))
    model.eval()
    assert torch.equal(model(scores).logits, model(scores).logits)
    model.train()
    assert not torch.equal(model(scores).logits, model(scores).logits)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_gradient_checkpointing_changes_nothing(pooling, make_config, scores, keys, shake):
    model = shake(GdsForDiffusion(make_config(use_timestep=True, pooling=pooling))).train()
    model(scores, keys).loss.backward()
    expected = {name: value.grad.clone() for name, value in model.named_parameters()}
    model.zero_grad()
    model.gradient_checkpointing_enable()
    model(scores, keys).loss.backward()
    for name, value in model.named_parameters():
        assert torch.equal(expected[name], value.grad), name


def test_condition_changes_the_output_and_defaults_to_the_configured_one(make_config, scores, shake):
    config = make_config(use_timestep=True, n_condition_classes=2, encode_timestep=3)
    model = shake(GdsModel(config)).eval()
    at = {t: model(scores, timestep=torch.full((6,), t)).pooler_output for t in (3, 400)}
    assert not torch.allclose(at[3], at[400])
    assert torch.equal(model(scores).pooler_output, at[3])
    case = model(scores, class_labels=torch.ones(6, dtype=torch.int64)).pooler_output
    null = model(scores, class_labels=torch.full((6,), -100)).pooler_output
    assert not torch.allclose(case, null)
    assert torch.equal(null, at[3])


def test_without_a_condition_there_is_nothing_to_condition(make_config):
    names = [name for name, _ in GdsModel(make_config()).named_parameters()]
    assert not [name for name in names if "condition" in name or "modulation" in name]


def test_blocks_that_do_not_fill_the_last_token(make_config, scores):
    for blocks_per_token in (1, 3, 10, 16):
        model = GdsForDiffusion(make_config(use_timestep=True, blocks_per_token=blocks_per_token))
        tokens = model.gds(scores).last_hidden_state
        assert tokens.shape == (6, -(-10 // blocks_per_token), 32)
        assert model.diffusion_head(tokens).shape == (6, 10, 4)


def test_bfloat16_works(make_config, scores, keys, shake):
    model = shake(GdsForDiffusion(make_config(use_timestep=True)))
    # Without oneDNN, whose bfloat16 kernels die on virtual machines that announce AMX and lack it.
    with torch.backends.mkldnn.flags(enabled=False), torch.autocast("cpu", dtype=torch.bfloat16):
        low = model(scores, keys)
    assert low.logits.dtype == torch.float32
    torch.testing.assert_close(low.loss, model(scores, keys).loss, rtol=0.05, atol=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hiden_size": 3}, "did you mean 'hidden_size'"),
        ({"hidden_size": 30, "num_attention_heads": 4}, "num_attention_heads"),
        ({"hidden_size": 0}, "at least 1"),
        ({"hidden_dropout": 1.5}, "probability"),
        ({"backbone": "resnet"}, "backbone"),
        ({"mask_ratio": [0.9, 0.1]}, "mask_ratio"),
        ({"encode_timestep": 500}, "encode_timestep"),
        ({"input_kind": "tokens", "mask_channels": True}, "mask_channels"),
        ({"prediction_type": "eps"}, "prediction_type"),
    ],
)
def test_impossible_configurations_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        GdsConfig(**options)


def test_heads_refuse_encoders_that_cannot_serve_them(make_config):
    with pytest.raises(UserError, match="continuous"):
        GdsForDiffusion(make_config(input_kind="tokens", use_timestep=True))
    with pytest.raises(UserError, match="use_timestep"):
        GdsForDiffusion(make_config())
    with pytest.raises(UserError, match="mask_channels"):
        GdsForMaskedModeling(make_config())
    with pytest.raises(UserError, match="at least two"):
        GdsForClassification(make_config(num_labels=1))


def test_wrong_input_is_explained(make_config, scores):
    model = GdsModel(make_config())
    with pytest.raises(UserError, match="another model"):
        model(scores[:, :9])
    with pytest.raises(UserError, match="unconditional"):
        model(scores, class_labels=torch.zeros(6, dtype=torch.int64))
    with pytest.raises(UserError, match="mask channels"):
        model(scores, is_masked=torch.ones_like(scores, dtype=torch.bool))
    with pytest.raises(UserError, match="padding mask"):
        model.set_padding(torch.zeros(4, 4))
    with pytest.raises(UserError, match="every cell"):
        model.set_padding(torch.ones(10, 4))


def test_saved_configuration_is_plain_json(make_config, tmp_path):
    make_config(mask_ratio=[0.2, 0.8]).save_pretrained(tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["mask_ratio"] == [0.2, 0.8]
    assert GdsConfig.from_pretrained(tmp_path).mask_ratio_range == (0.2, 0.8)
