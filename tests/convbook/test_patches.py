"""Patches: the bank is the network that torch says it is, and its filters are what is on record."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convbook import patches

rng = np.random.default_rng


def small(seed, n=6, side=6, k=3, filters=4):
    """Images, their patches, labels and a bank whose biases are not 0."""
    draws = rng(seed)
    images = draws.random((n, side, side))
    first = patches.initial_bank(draws, filters, k, classes=3)
    bank = patches.Bank(first.w, draws.normal(size=filters), first.v, draws.normal(size=3))
    return images, patches.patches_of(images, k), draws.integers(0, 3, n), bank


def in_torch(bank, k=3):
    """The same parameters as leaves of a graph: kernels, biases, weights, biases."""
    w = torch.tensor(bank.w).reshape(len(bank.w), 1, k, k)
    rest = [torch.tensor(value) for value in (bank.b, bank.v, bank.c)]
    return [value.requires_grad_() for value in (w, *rest)]


def torchs_loss(parameters, images, labels):
    w, b, v, c = parameters
    y = torch.nn.functional.conv2d(torch.tensor(images)[:, None], w, b)
    scores = torch.relu(y).mean((-2, -1)) @ v.T + c
    return torch.nn.functional.cross_entropy(scores, torch.tensor(labels)), y, scores


def test_patches_are_windows_in_reading_order():
    image = np.arange(12.0).reshape(1, 3, 4)
    seen = patches.patches_of(image, 2)
    assert seen.shape == (1, 6, 4)
    assert seen[0, 0].tolist() == [0, 1, 4, 5]
    assert seen[0, 1].tolist() == [1, 2, 5, 6]
    assert seen[0, 5].tolist() == [6, 7, 10, 11]


@pytest.mark.parametrize(
    ("images", "k"), [(np.ones((4, 4)), 2), (np.ones((1, 4, 4)), 5), (np.ones((1, 4, 4)), 0)]
)
def test_no_patches_of_what_is_no_stack_of_images_or_too_small(images, k):
    with pytest.raises(ValueError, match=r"k|images|kernel"):
        patches.patches_of(images, k)


def test_first_weights_keep_the_size_of_what_flows():
    bank = patches.initial_bank(rng(0), 600, 5, classes=20)
    assert np.isclose(bank.w.var(), 2 / 25, rtol=0.1)
    assert np.isclose(bank.v.var(), 2 / 600, rtol=0.1)
    assert not bank.b.any()
    assert not bank.c.any()


@given(st.integers(0, 2**32 - 1))
def test_scores_and_gradients_are_torchs(seed):
    images, seen, labels, bank = small(seed)
    parameters = in_torch(bank)
    loss, y, scores = torchs_loss(parameters, images, labels)
    *expected, dy = torch.autograd.grad(loss, [*parameters, y])
    slope, ours = patches.gradients(bank, seen, labels)
    assert np.allclose(patches.scores(bank, seen), scores.detach())
    for value, theirs in zip((slope.w, slope.b, slope.v, slope.c), expected, strict=True):
        assert np.allclose(value, theirs.reshape(value.shape), rtol=0, atol=1e-12)
    assert np.allclose(ours.transpose(0, 2, 1), dy.flatten(2), rtol=0, atol=1e-12)


@settings(max_examples=20)
@given(st.integers(0, 2**32 - 1), st.floats(0, 0.95), st.floats(0, 0.1))
def test_training_takes_torchs_steps(seed, momentum, decay):
    images, seen, labels, bank = small(seed)
    parameters = in_torch(bank)
    optimiser = torch.optim.SGD(parameters, 0.3, momentum=momentum, weight_decay=decay)
    for _ in range(8):
        optimiser.zero_grad()
        torchs_loss(parameters, images, labels)[0].backward()
        optimiser.step()
    done = patches.train(
        bank, seen, labels, rng(0), steps=8, rate=0.3, momentum=momentum, decay=decay
    )
    w, b, v, c = (value.detach().numpy() for value in parameters)
    assert np.allclose(done.last.w, w.reshape(done.last.w.shape), rtol=0, atol=1e-10)
    for ours, theirs in ((done.last.b, b), (done.last.v, v), (done.last.c, c)):
        assert np.allclose(ours, theirs, rtol=0, atol=1e-10)
    assert done.first is bank


@settings(max_examples=20)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 0.95),
    st.floats(0, 0.1),
    st.sampled_from([None, 1, 2, 6]),
)
def test_filters_are_rebuilt_from_the_patches_on_record(seed, momentum, decay, batch):
    _, seen, labels, bank = small(seed)
    done = patches.train(
        bank, seen, labels, rng(seed), steps=12, rate=0.3, batch=batch, momentum=momentum,
        decay=decay,
    )  # fmt: skip
    kept, a = patches.coefficients(done, len(seen))
    rebuilt = kept * done.first.w + patches.summed(a, seen)
    assert np.allclose(rebuilt, done.last.w, rtol=0, atol=1e-12)
    assert (decay > 1e-3) <= (kept < 1)


def test_without_momentum_and_decay_a_coefficient_is_minus_rate_times_dy_summed():
    _, seen, labels, bank = small(3)
    done = patches.train(bank, seen, labels, rng(3), steps=5, rate=0.2, batch=2)
    kept, a = patches.coefficients(done, len(seen))
    by_hand = np.zeros_like(a)
    for step in done.steps:
        for n, dy in zip(step.chosen, step.dy, strict=True):
            by_hand[n] -= 0.2 * dy
    assert kept == 1
    assert np.allclose(a, by_hand, rtol=0, atol=1e-15)


def test_an_image_that_was_in_no_batch_has_no_coefficients():
    _, seen, labels, bank = small(4)
    done = patches.train(bank, seen, labels, rng(4), steps=2, rate=0.2, batch=1)
    used = np.unique([step.chosen for step in done.steps])
    _, a = patches.coefficients(done, len(seen))
    unused = np.setdiff1d(np.arange(len(seen)), used)
    assert len(unused) >= 4
    assert not a[unused].any()


@given(st.integers(0, 2**32 - 1))
def test_the_shares_of_all_images_add_up_to_one(seed):
    draws = rng(seed)
    a, seen = draws.normal(size=(5, 4)), draws.normal(size=(5, 4, 9))
    total = patches.summed(a[..., None], seen)[0]
    shares = patches.shares(a, seen, total)
    assert np.isclose(shares.sum(), 1)
    assert np.allclose(patches.shares(a[:1], seen[:1], total), shares[0])


def test_accuracy_counts_the_images_whose_class_scores_highest():
    bank = patches.Bank(np.ones((1, 1)), np.zeros(1), np.array([[1.0], [-1.0]]), np.zeros(2))
    seen = np.ones((4, 1, 1))
    assert patches.accuracy(bank, seen, np.array([0, 0, 0, 1])) == 0.75


def test_a_batch_larger_than_the_data_is_refused():
    _, seen, labels, bank = small(0)
    with pytest.raises(ValueError, match="batch"):
        patches.train(bank, seen, labels, rng(0), steps=1, rate=0.1, batch=7)
