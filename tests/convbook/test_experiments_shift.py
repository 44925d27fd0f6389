"""Bands in an unseen half: what is drawn, who lit a pixel, and what padding does to a shift."""

import numpy as np
import pytest
import torch

from convbook.edges import draw_edges
from convbook.experiments import shift
from convbook.models import MLP, SmallCNN, untrained
from convbook.training import evaluate


def test_every_band_is_there_once_and_is_what_its_facts_say():
    bands = shift.every_band([1, 3], [0.4, 0.8])
    assert bands.images.shape == (1, 2 * 2 * (28 + 26), 1, 28, 28)
    assert len(np.unique(bands.images.reshape(-1, 784), axis=0)) == bands.images.shape[1]
    for image, label, middle, width, intensity in zip(
        bands.images[0, :, 0], bands.labels[0], bands.middle, bands.width, bands.intensity,
        strict=True,
    ):  # fmt: skip
        across = image if label == 0 else image.T
        rows = np.flatnonzero(across[:, 0] > 0.2)
        assert len(rows) == width
        assert rows.mean() == middle
        assert np.ptp(across, axis=1).max() == 0
        assert np.isclose(across.max(), intensity)


def test_networks_that_pad_another_way_keep_their_weights_and_the_old_ones_stay():
    networks = untrained(SmallCNN, [0, 1])
    wrapped = shift.with_padding(networks, "circular")
    expected = untrained(lambda: SmallCNN(padding_mode="circular"), [0, 1])
    x = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for old, new, built in zip(networks, wrapped, expected, strict=True):
        with torch.no_grad():
            assert torch.equal(new(x), built(x))
            assert not torch.allclose(old(x), built(x))
    labels = np.zeros((1, 4), dtype=int)
    together = evaluate(wrapped, x[None].numpy(), labels).logits
    with torch.no_grad():
        assert np.allclose(together[1], expected[1](x).numpy(), atol=1e-5)


def test_what_a_band_is_called_is_one_of_three():
    bands = shift.every_band([2], [0.5])
    said = shift.called(untrained(MLP, [0, 1]), bands)
    assert np.array_equal(sum(said.values()), np.ones((2, bands.labels.size)))
    with torch.no_grad():
        scores = untrained(MLP, [0, 1])[1](torch.tensor(bands.images[0]))
    assert np.array_equal(said["right"][1], scores.argmax(1).numpy() == bands.labels[0])
    assert np.array_equal(said["none"][1], scores.argmax(1).numpy() == 2)


def test_votes_are_the_differences_that_light_makes():
    (network,) = untrained(MLP, [0])
    network = network.double()
    images = draw_edges(np.random.default_rng(0), 2).tensors[0].astype(float)
    found = shift.votes(network, images)

    def ahead(x):
        with torch.no_grad():
            scores = network(torch.tensor(x))
        return float((scores[:, 0] - scores[:, 1]).mean())

    for i, j in ((0, 0), (5, 20), (27, 13)):
        brighter = images.copy()
        brighter[:, 0, i, j] += 1e-6
        assert np.isclose(found[i, j], (ahead(brighter) - ahead(images)) / 1e-6, atol=1e-5)


class Brightest(torch.nn.Module):
    """Scores by the light in the upper half, in the left half, and nothing."""

    def __init__(self):
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(1))

    def forward(self, x):
        upper, left = x[..., :14, :].sum((1, 2, 3)), x[..., :14].sum((1, 2, 3))
        return self.scale * torch.stack([upper, left, 0 * upper], 1)


@pytest.mark.parametrize(("places", "share"), [(shift.FIRST, 1), (shift.SECOND, 0)])
def test_orientations_are_compared_with_none_left_aside(places, share):
    edges = draw_edges(np.random.default_rng(0), 20, places=places)
    images, labels = edges.tensors
    assert shift.oriented([Brightest()], images[None], labels[None]) == [share]


def test_pixels_are_lit_where_bands_of_a_class_lay():
    images = np.full((3, 4, 4), 0.1)
    images[0, 1], images[1, 3], images[2, :, 2] = 0.5, 0.9, 0.9
    labels = np.array([0, 0, 1])
    assert shift.lit_by(images, labels, 0).any(1).tolist() == [False, True, False, True]
    assert shift.lit_by(images, labels, 1).all(0).tolist() == [False, False, True, False]


def test_the_training_half_is_drawn_anew_and_holds_no_band_of_the_other():
    images, labels = shift.inside_of([0, 1], 10)
    assert images.shape == (2, 30, 1, 28, 28)
    lit = images[:, :, 0] > images[:, :, 0, -1:, -1:] + 1e-6
    assert lit[labels == 0].any()
    assert not lit[:, :, 14:, 14:].any()
    assert not lit[labels == 0][:, 14:].any()
    assert not lit[labels == 1][:, :, 14:].any()
