"""What the bias is made of: tasks as they are described, and networks that lack one thing each."""

import numpy as np
import pytest
import torch

from convbook.experiments import ingredients
from convbook.models import SmallCNN, untrained


def test_bands_lie_in_their_third():
    edges = ingredients.draw_places(np.random.default_rng(0), 200)
    assert edges.classes == ("top", "middle", "bottom")
    assert len(edges) == 600
    rows = edges.images.mean(axis=2)  # the noise of a row's mean is small
    brightest = rows.argmax(axis=1)
    for label, (first, end) in enumerate([(0, 7), (7, 13), (13, 20)]):
        own = brightest[edges.labels == label]
        assert own.min() >= first
        assert own.max() < end


def test_the_other_half_is_where_no_training_band_was():
    train, tests = ingredients.TASKS["which way"]
    there = {name: draw(np.random.default_rng(0), 100) for name, draw in tests.items()}
    there["train"] = train(np.random.default_rng(1), 100)
    lower = {
        name: (edges.images[edges.labels == 0].mean(axis=2).argmax(axis=1) >= 10).mean()
        for name, edges in there.items()
    }
    assert lower == {"train": 0, "which way": 0, "which way, other half": 1}


def test_each_network_differs_from_the_whole_in_what_its_name_says():
    sizes = {
        name: sum(p.numel() for p in build().parameters())
        for name, build in ingredients.NETWORKS.items()
    }
    head = 8 * 3 + 3
    assert sizes["whole"] == sizes["zero padding"] == 8 * 26 + head
    assert sizes["not shared"] == 400 * 8 * 26 + head
    assert sizes["not local"] == 8 * (19**2 + 1) + head
    assert sizes["told the place"] == 8 * (3 * 25 + 1) + head
    assert sizes["flattened"] == 8 * 26 + 400 * 8 * 3 + 3
    assert sizes["MLP"] == 401 * 32 + 33 * 3


@pytest.mark.parametrize("name", ["whole", "not local"])
def test_networks_on_a_ring_are_blind_to_the_place(name):
    network = untrained(ingredients.NETWORKS[name], [0])[0]
    image = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        moved = network(image.roll((7, 3), dims=(2, 3)))
        assert torch.allclose(moved, network(image), atol=1e-5)


@pytest.mark.parametrize("name", ["zero padding", "not shared", "told the place", "flattened"])
def test_the_others_are_not(name):
    network = untrained(ingredients.NETWORKS[name], [0])[0]
    image = torch.zeros(1, 1, 20, 20)
    image[:, :, 2:4] = 1
    with torch.no_grad():
        assert not torch.allclose(network(image.roll(16, dims=2)), network(image), atol=1e-5)


def test_feature_changes_are_distances_relative_to_the_first_image():
    images = np.random.default_rng(0).random((3, 1, 8, 8)).astype(np.float32)
    images[1] = images[0]
    found = ingredients.feature_changes(lambda: SmallCNN(side=8, kernel_size=3), images, [4, 5])
    assert found.shape == (2, 3)
    assert np.all(found[:, :2] == 0)
    network = untrained(lambda: SmallCNN(side=8, kernel_size=3), [4])[0]
    with torch.no_grad():
        f = network.features(torch.as_tensor(images)).double().numpy()
    away = np.linalg.norm(f[2] - f[0]) / np.linalg.norm(f[0])
    assert found[0, 2] == pytest.approx(away, rel=1e-4)


def test_one_try_reports_every_seed():
    found = ingredients.tried("MLP", "which way", seeds=range(2), epochs=3)
    assert set(found.test) == {"which way", "which way, other half"}
    assert found.train.shape == found.test["which way"].shape == (2,)
