"""``gds models``: the table of presets."""

import pytest
import torch

from gds.cli import run_command
from gds.models import GdsForMaskedModeling
from gds.models.parameter_count import preset_parameters
from gds.models.presets import PRESETS, preset_config


def test_the_reference_and_another_shape(capsys):
    assert run_command("models", ["--n-blocks", "100", "--n-channels", "4"]) == 0
    printed = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if " at 100 x 4: " not in line}
    assert set(PRESETS) <= set(rows)
    for name, millions in {
        "transformer": 135,
        "unet1d": 18.6,
        "unet1d-per-gene": 38.8,
        "mlp": 310,
        "hybrid": 329,
    }.items():
        assert rows[name][1:3] == [f"{millions}", "M"]
        assert int(rows[name][3].replace(",", "")) == pytest.approx(millions * 1e6, rel=0.02)
    assert rows["unet1d"][4] == "-"
    assert rows["mlp-tiny"][1].replace(",", "").isdigit()
    assert "unet1d at 100 x 4: 100 blocks cannot be halved" in printed


def test_the_count_is_that_of_the_built_model():
    config = preset_config("transformer-tiny", "masked", n_blocks=24, n_channels=3)
    built = sum(parameter.numel() for parameter in GdsForMaskedModeling(config).parameters())
    assert preset_parameters("transformer-tiny", "masked", 24, 3) == (built, None)
    assert torch.get_default_device() == torch.device("cpu")


def test_an_empty_shape_is_refused(capsys):
    assert run_command("models", ["--n-blocks", "0"]) == 2
    assert "at least one block" in capsys.readouterr().err
