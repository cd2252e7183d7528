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
    cells = embedding(dosage, masked, padding, torch.float32).view(6, 4)
    assert cells.tolist() == [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 0],  # missing: nothing known, nothing hidden
        [0, 0, 0, 1],  # masked: the value is gone, the flag stands
        [0, 0, 0, 0],  # padding: nothing, even if asked to be masked
    ]


def test_continuous_cells_are_zero_where_masked(make_config):
    embedding = CellEmbedding(make_config(mask_channels=True, n_blocks=1, n_channels=3))
    masked = torch.tensor([[[True, False, True]]])
    padding = torch.tensor([[False, False, True]])
    cells = embedding(torch.full((1, 1, 3), 5.0), masked, padding, torch.float32)
    assert cells.flatten().tolist() == [0, 5, 0, 1, 0, 0]
