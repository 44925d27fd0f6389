"""Rooms and the networks that look for them."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from convbook import dense
from convbook.dense import NETWORKS, draw_rooms, found_at_depth, labeller, overlap
from convbook.receptive import gradient_support


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_inside_is_what_the_walls_enclose():
    rooms = draw_rooms(np.random.default_rng(0), 40)
    assert rooms.images.shape == rooms.depth.shape == (40, 24, 24)
    for image, inside in zip(rooms.images > 0.5, rooms.inside, strict=True):
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        assert inside.sum() == len(rows) * len(columns)  # a rectangle
        assert not image[inside].any()  # nothing is drawn in it
        ring = ndimage.binary_dilation(inside, np.ones((3, 3))) & ~inside
        assert image[ring].all()  # walls all around, none cut off by the border
        assert ring.sum() == 2 * (len(rows) + len(columns)) + 4


def test_depth_is_the_distance_to_the_nearest_wall():
    rooms = draw_rooms(np.random.default_rng(1), 10)
    for depth, inside in zip(rooms.depth, rooms.inside, strict=True):
        assert np.array_equal(depth, ndimage.distance_transform_cdt(inside, "chessboard"))


def test_rooms_come_from_the_generator_and_fill_the_range_of_sizes():
    first, again, other = (draw_rooms(np.random.default_rng(n), 200) for n in (3, 3, 4))
    assert np.array_equal(first.images, again.images)
    assert not np.array_equal(first.images, other.images)
    heights = {int(inside.any(1).sum()) + 2 for inside in first.inside}
    assert heights == set(range(dense.SHORTEST, dense.LONGEST + 1))


def test_some_lines_belong_to_no_room():
    rooms = draw_rooms(np.random.default_rng(0), 50)
    stray = 0
    for image, inside in zip(rooms.images > 0.5, rooms.inside, strict=True):
        stray += (image & ~ndimage.binary_dilation(inside, np.ones((3, 3)))).any()
    assert stray > 40


@pytest.mark.parametrize("count", [0, -1, 2.5])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(ValueError, match="count"):
        draw_rooms(np.random.default_rng(0), count)


def test_all_networks_have_equal_weights_and_label_every_pixel():
    x = torch.randn(2, 1, 24, 24, generator=seeded())
    group = [labeller(kind, seeded()) for kind in NETWORKS]
    shapes = [[tuple(p.shape) for p in network.parameters()] for network in group]
    assert shapes[0] == shapes[1] == shapes[2]
    for network in group:
        assert network(x).shape == (2, 1, 24, 24)
        for mine, first in zip(network.parameters(), group[0].parameters(), strict=True):
            assert torch.equal(mine, first)  # of one seed, they begin alike


@pytest.mark.parametrize(("kind", "reach"), [("plain", 5), ("dilated", 10)])
def test_networks_see_as_far_as_their_dilations_add_up_to(kind, reach):
    seen = gradient_support(labeller(kind, seeded()), (49, 49, 1), generator=seeded(1))
    wanted = np.zeros((49, 49), dtype=bool)
    wanted[24 - reach : 25 + reach, 24 - reach : 25 + reach] = True
    assert np.array_equal(seen, wanted)


def test_an_unknown_network_is_refused():
    with pytest.raises(ValueError, match="deep"):
        labeller("deep", seeded())


def test_overlap_is_the_intersection_over_the_union():
    found = np.array([[[1, 1, 0, 0]]], dtype=bool)
    wanted = np.array([[[0, 1, 1, 0]]], dtype=bool)
    assert overlap(found, wanted) == pytest.approx(1 / 3)
    assert overlap(wanted, wanted) == 1
    assert overlap(found & False, wanted) == 0
    assert overlap(found & False, wanted & False) == 0


def test_what_is_found_is_counted_by_depth():
    depth = np.array([[[0, 1, 1, 2]]])
    found = np.array([[[True, True, False, True]]])
    assert found_at_depth(found, depth, 2).tolist() == [0.5, 1]
    with pytest.raises(ValueError, match="deepest"):
        found_at_depth(found, depth, 3)


@pytest.mark.parametrize("count", [0, 2])
def test_training_needs_a_generator_for_each_network(count):
    with pytest.raises(ValueError, match="rngs"):
        dense.teach([labeller("plain", seeded())], [np.random.default_rng(0)] * count, steps=2)


def test_training_lowers_the_loss_and_labels_follow_the_sign():
    group = [labeller("pooled", seeded(n)) for n in range(2)]
    rngs = [np.random.default_rng(n) for n in range(2)]
    losses = dense.teach(group, rngs, steps=30, batch=4)
    assert losses.shape == (30, 2)
    assert (losses[-5:].mean(0) < losses[:5].mean(0)).all()
    rooms = draw_rooms(np.random.default_rng(9), 3)
    with torch.no_grad():
        output = group[0](torch.tensor(rooms.images, dtype=torch.float32)[:, None])[:, 0]
    assert np.array_equal(dense.labels(group[0], rooms), (output > 0).numpy())
