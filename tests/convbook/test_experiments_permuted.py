"""Changes of the pixels: what each keeps and what it destroys, by oracles of their own."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from convbook.edges import draw_edges
from convbook.experiments import permuted
from convbook.models import MLP, SmallCNN, untrained

SEEDS = st.integers(0, 10**6)
CHANGES = ("none", "permuted", "wrapped", "signs", 2, 5, 20)


def some_images(seed, side=20, n=2):
    return np.random.default_rng(seed).normal(size=(n, side, side)).astype(np.float32)


def change(images, how, seed=0):
    return permuted.changed(images, how, np.random.default_rng(seed))


@pytest.mark.parametrize("how", CHANGES)
def test_a_change_keeps_every_number_up_to_its_sign(how):
    images = some_images(0)
    now = change(images, how)
    assert now.shape == images.shape
    assert now.dtype == np.float32
    assert np.array_equal(np.sort(np.abs(now), axis=None), np.sort(np.abs(images), axis=None))
    assert np.array_equal(now, images) == (how == "none")


@pytest.mark.parametrize("how", CHANGES)
def test_all_images_of_a_seed_go_through_the_same_change(how):
    images = some_images(1, n=3)
    assert np.allclose(change(images, how).sum(0), change(images.sum(0, keepdims=True), how)[0])
    if how != "none":
        assert not np.array_equal(change(images, how, 1), change(images, how, 2))


def test_an_unknown_change_is_refused():
    with pytest.raises(ValueError, match="turned"):
        change(some_images(0), "turned")
    with pytest.raises(ValueError, match="block"):
        change(some_images(0), 3)


@given(SEEDS, st.integers(0, 19), st.integers(0, 19))
def test_moving_the_image_moves_the_wrapped_one_in_one_piece(seed, down, right):
    images = some_images(seed, n=1)
    before, after = change(images, "wrapped"), change(np.roll(images, (down, right), (1, 2)),
                                                     "wrapped")  # fmt: skip
    moves = [np.roll(before, (r, c), (1, 2)) for r in range(20) for c in range(20)]
    assert any(np.array_equal(after, moved) for moved in moves)


@given(SEEDS)
def test_wrapping_parts_all_neighbours(seed):
    matrix = permuted.draw_matrix(np.random.default_rng(seed), 20)
    places = np.stack(np.divmod(permuted.wrapping(matrix, 20), 20)).reshape(2, 20, 20)
    assert len(np.unique(permuted.wrapping(matrix, 20))) == 400
    for step in ((0, 1), (1, 0), (1, 1), (1, -1)):
        apart = np.abs(places - np.roll(places, step, (1, 2)))
        assert np.minimum(apart, 20 - apart).max(axis=0).min() >= 5


def test_the_order_of_wrapping_is_the_formula():
    order = permuted.wrapping(np.array([[2, 1], [1, 1]]), 5)
    for row, column in np.ndindex(5, 5):
        taken = ((2 * row + column) % 5) * 5 + (row + column) % 5
        assert order[row * 5 + column] == taken


def test_a_convolution_of_a_wrapped_image_has_scattered_weights():
    rng = np.random.default_rng(0)
    image, kernel = (
        torch.randn(1, 1, 20, 20, generator=torch.manual_seed(0)),
        torch.ones(1, 1, 3, 3),
    )
    kernel += torch.tensor(rng.normal(size=(3, 3)), dtype=torch.float32)
    matrix = permuted.draw_matrix(rng, 20)
    order = permuted.wrapping(matrix, 20)
    wrapped = image.flatten()[order].view(1, 1, 20, 20)
    made = F.conv2d(F.pad(wrapped, (1, 1, 1, 1), mode="circular"), kernel).flatten()
    scattered = torch.zeros(20, 20)
    for i, j in np.ndindex(3, 3):
        down, right = (matrix @ (i - 1, j - 1)).tolist()
        scattered += kernel[0, 0, i, j] * torch.roll(image[0, 0], (-down, -right), (0, 1))
    assert torch.allclose(made, scattered.flatten()[order], atol=1e-4)


def test_training_and_validation_share_the_change_of_their_seed_and_no_image():
    one, labels = permuted.changed_sets([4], 0, 5, "permuted", side=20)
    plain, _ = permuted.changed_sets([4], 0, 5, "none", side=20)
    other, _ = permuted.changed_sets([4], 1, 5, "permuted", side=20)
    plain_other, _ = permuted.changed_sets([4], 1, 5, "none", side=20)
    assert one.shape == (1, 15, 1, 20, 20)
    assert labels.shape == (1, 15)
    assert np.array_equal(
        plain[0, :, 0], draw_edges(np.random.default_rng([4, 0]), 5, side=20).images
    )
    assert not np.array_equal(plain, plain_other)
    both = np.concatenate([plain, plain_other], axis=1).reshape(30, -1)
    moved = np.concatenate([one, other], axis=1).reshape(30, -1)
    # One order explains both sets: each new column is some old column, over all 30 images.
    assert all((both == column[:, None]).all(axis=0).any() for column in moved.T)


def test_neighbours_of_known_kernels():
    stripes = np.tile([1.0, 1, 1, -1, -1, -1], (6, 1))
    chess = np.indices((6, 6)).sum(0) % 2 * 2.0 - 1
    found = permuted.neighbours(np.stack([stripes, chess, 3 * stripes + 7]))
    along = (6 * (2 + 2 - 1)) / 30  # of five pairs in a row four agree, one does not
    assert np.allclose(found, [(1 + along) / 2, -1, (1 + along) / 2])


@given(SEEDS)
def test_neighbours_of_noise_lie_near_zero(seed):
    kernels = np.random.default_rng(seed).normal(size=(200, 7, 7))
    assert abs(permuted.neighbours(kernels).mean()) < 0.1


def test_band_and_direction_of_a_hand_worked_table():
    table = np.array([[[0.6, 0.2, 0.2], [0.3, 0.5, 0.2], [0.1, 0.0, 0.9]]])
    band, direction = permuted.band_and_direction(table)
    assert np.allclose(band, (0.8 + 0.8 + 0.9) / 3)
    assert np.allclose(direction, 1.1 / 1.6)
    assert permuted.band_and_direction(np.eye(3)[None]) == (1, 1)


@pytest.mark.parametrize(
    ("steps", "images", "epochs"), [(900, 30, 300), (900, 1500, 6), (10, 31, 3), (1, 5, 1)]
)
def test_epochs_reach_the_steps(steps, images, epochs):
    assert permuted.epochs_of(steps, images) == epochs


def test_training_gives_a_score_for_each_seed_and_learns():
    found = permuted.trained("mlp", 10, seeds=(0, 1), steps=150, images="small", hidden=(16,),
                             optimizer="adam")  # fmt: skip
    assert len(found.networks) == 2
    assert found.validation.shape == (2,)
    assert (found.train > 0.9).all()
    assert (found.validation > 0.4).all()
    assert isinstance(found.networks[0], MLP)


def test_looks_along_the_way_do_not_change_the_training_and_end_with_it():
    options = {"seeds": (0, 1), "steps": 24, "images": "small", "hidden": (4,)}
    once = permuted.trained("mlp", 10, **options)
    often = permuted.trained("mlp", 10, looks=4, **options)
    assert often.course.shape == (4, 2)
    assert np.array_equal(often.course[-1], often.validation)
    assert np.allclose(often.validation, once.validation)


def test_confusions_are_shares_of_each_class():
    tables = permuted.confusions(untrained(SmallCNN, (0, 1)), (0, 1), "permuted")
    assert tables.shape == (2, 3, 3)
    assert np.allclose(tables.sum(-1), 1)
