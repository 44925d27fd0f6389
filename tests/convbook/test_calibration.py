"""Confidence against accuracy, and the temperature that mends it."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from convbook.calibration import cross_entropy, fitted_temperature, reliability

SEEDS = st.integers(0, 10_000)


def drawn(seed, n=300, scale=1.0):
    """Scores, and labels that are drawn from their own softmax: calibrated where the scale is 1."""
    rng = np.random.default_rng(seed)
    scores = 2 * rng.normal(size=(n, 3))
    shares = torch.softmax(torch.tensor(scores), 1).numpy()
    labels = (rng.random((n, 1)) > shares.cumsum(1)).sum(1).clip(max=2)
    return scale * scores, labels


@given(SEEDS, st.floats(0.1, 10))
def test_the_loss_is_torchs(seed, temperature):
    scores, labels = drawn(seed, 20)
    expected = torch.nn.functional.cross_entropy(
        torch.tensor(scores) / temperature, torch.tensor(labels)
    )
    assert np.isclose(cross_entropy(scores, labels, temperature), float(expected))


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from([0.3, 1.0, 4.0]))
def test_no_other_temperature_has_a_lower_loss(seed, scale):
    scores, labels = drawn(seed, scale=scale)
    best = fitted_temperature(scores, labels)
    least = cross_entropy(scores, labels, best)
    for other in np.geomspace(0.05, 50, 200):
        assert least <= cross_entropy(scores, labels, float(other)) + 1e-9


def test_scores_that_are_too_large_get_their_scale_as_a_temperature():
    for scale in (0.25, 1, 6):
        scores, labels = drawn(0, 50_000, scale)
        assert np.isclose(fitted_temperature(scores, labels), scale, rtol=0.03)


def test_bins_by_hand():
    # Two classes; the confidences are 0.9, 0.9, 0.6 and 0.5.
    logits = np.log([[0.9, 0.1], [0.1, 0.9], [0.6, 0.4], [0.5, 0.5]])
    found = reliability(logits + 5, np.array([0, 0, 0, 0]), bins=4)  # a constant changes nothing
    assert np.allclose(found.share, [0, 0, 0.5, 0.5])
    assert np.allclose(found.confidence[2:], [0.55, 0.9])
    assert np.allclose(found.accuracy[2:], [1, 0.5])
    assert np.isnan(found.confidence[:2]).all()
    assert np.isclose(found.error, 0.5 * 0.45 + 0.5 * 0.4)


@given(SEEDS, st.integers(1, 20))
def test_bins_hold_all_predictions_and_keep_the_means(seed, bins):
    scores, labels = drawn(seed, 50)
    found = reliability(scores, labels, bins)
    full = found.share > 0
    assert np.isclose(found.share.sum(), 1)
    sure = torch.softmax(torch.tensor(scores), 1).amax(1).numpy()
    assert np.allclose(50 * found.share, np.histogram(sure, bins, (0, 1))[0])
    assert np.isclose((found.share * found.confidence)[full].sum(), sure.mean())
    assert np.isclose(
        (found.share * found.accuracy)[full].sum(), (scores.argmax(1) == labels).mean()
    )


def test_calibrated_scores_have_a_small_error_and_too_large_ones_a_large_one():
    scores, labels = drawn(1, 50_000)
    assert reliability(scores, labels).error < 0.01
    assert reliability(5 * scores, labels).error > 0.1


def test_a_prediction_that_is_certain_has_a_bin():
    found = reliability(np.array([[1000.0, 0.0]]), np.array([0]))
    assert found.share[-1] == 1
    assert found.error == 0


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_a_temperature_that_is_none_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        cross_entropy(np.zeros((2, 3)), np.array([0, 1]), temperature)


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.zeros(3), [0]),
        (np.zeros((2, 3)), [0]),
        (np.zeros((0, 3)), []),
        (np.zeros((2, 3)), [0, 3]),
        (np.zeros((2, 3)), [-1, 0]),
        (np.zeros((2, 3)), [0.5, 0]),
    ],
)
def test_scores_and_labels_that_do_not_fit_are_refused(logits, labels):
    with pytest.raises(ValueError, match="labels"):
        reliability(logits, np.array(labels))
    with pytest.raises(ValueError, match="labels"):
        fitted_temperature(logits, np.array(labels))
