import pytest
import torch

from gds.models.embedding import BlockLinear, CellEmbedding


def test_batched_product_equals_one_matrix_at_a_time():
    layer = BlockLinear(5, 3, 7)
    torch.nn.init.normal_(layer.weight)
    torch.nn.init.normal_(layer.bias)
    values = torch.randn(4, 5, 3)
    expected = torch.stack([values[:, i] @ layer.weight[i] + layer.bias[i] for i in range(5)], dim=1)
    torch.testing.assert_close(layer(values), expected)


def test_tokens_missing_masked_and_padding(make_config):
    embedding = CellEmbedding(make_config(input_kind="tokens", n_blocks=1, n_channels=6))
    dosage = torch.tensor([[[0, 1, 2, -1, 2, 1]]], dtype=torch.int8)
    masked = torch.tensor([[[False, False, False, False, True, True]]])
    padding = torch.tensor([[False, False, False, False, False, True]])
    cells = embedding.cells(dosage, masked, padding, torch.float32).view(6, 4)
    assert cells[:, :3].tolist() == [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 0, 0],  # missing
        [0, 0, 0],  # masked: the value is gone
        [0, 0, 0],  # padding
    ]
    # One cell of five is masked; the flag tells it from the missing one, its mean is 0, padding has none.
    assert cells[:, 3].tolist() == pytest.approx([-0.2, -0.2, -0.2, -0.2, 0.8, 0])


def test_the_start_of_generation_is_no_input_at_all(make_config):
    embedding = CellEmbedding(make_config(input_kind="tokens", n_blocks=2, n_channels=2))
    everything = torch.ones(1, 2, 2, dtype=torch.bool)
    cells = embedding.cells(
        torch.zeros(1, 2, 2), everything, torch.zeros(2, 2, dtype=torch.bool), torch.float32
    )
    assert not cells.any()


def test_continuous_cells_are_zero_where_masked(make_config):
    embedding = CellEmbedding(make_config(mask_channels=True, n_blocks=1, n_channels=3))
    masked = torch.tensor([[[True, False, True]]])
    padding = torch.tensor([[False, False, True]])
    cells = embedding.cells(torch.full((1, 1, 3), 5.0), masked, padding, torch.float32)
    assert cells.flatten().tolist() == [0, 5, 0, 1, 0, 0]
