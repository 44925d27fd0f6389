"""Trials, places left out, searches, and how much data it takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from convbook.edges import draw_edges
from convbook.experiments.procedure import (
    crossing,
    images_needed,
    on_places,
    picked_by_one_seed,
)
from convbook.experiments.sets import TEST, TRAINING, VALIDATION, draw_sets
from convbook.experiments.trials import trial
from convbook.training import evaluate

ACCURACIES = st.lists(st.floats(0, 1), min_size=2, max_size=8)


def test_a_trial_looks_at_the_epochs_it_was_asked_for():
    one = trial("mlp", seeds=[0, 1], epochs=[2, 6], training={"per_class": 3})
    assert one.epochs.tolist() == [2, 6]
    for measure in (one.loss, one.accuracy):
        assert {name: values.shape for name, values in measure.items()} == dict.fromkeys(
            ("train", "validation", "test"), (2, 2)
        )


def test_a_trials_last_scores_are_those_of_its_networks():
    one = trial(
        "mlp", seeds=[4, 5], epochs=[3], training={"per_class": 4}, hidden=(6,),
        held_out={"places": (0.5, 1)},
    )  # fmt: skip
    for name, purpose, count, places in (
        ("train", TRAINING, 4, (0, 1)),
        ("validation", VALIDATION, 50, (0.5, 1)),
        ("test", TEST, 100, (0.5, 1)),
    ):
        found = evaluate(one.networks, *draw_sets([4, 5], purpose, count, places=places))
        assert np.allclose(found.accuracy, one.accuracy[name][-1])
        assert np.allclose(found.loss, one.loss[name][-1], rtol=1e-4)


def test_a_seed_goes_its_own_way_whoever_is_beside_it():
    options = {"epochs": [2], "training": {"per_class": 3}}
    both, alone = (trial("mlp", seeds=seeds, **options) for seeds in ([3, 9], [9]))
    assert np.allclose(both.loss["test"][:, 1], alone.loss["test"][:, 0], rtol=1e-4)
    assert not np.isclose(both.loss["test"][0, 0], both.loss["test"][0, 1], rtol=1e-4)


def test_a_network_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="transformer"):
        trial("transformer", seeds=[0], epochs=[1], training={"per_class": 1})


@pytest.mark.parametrize("odd", [False, True])
def test_bands_lie_on_every_place_of_one_parity_and_on_no_other(odd):
    edges = on_places(np.random.default_rng(0), 300, odd)
    for label, axis in ((0, 1), (1, 0)):
        images = edges.images[edges.labels == label]
        profile = images.mean(axis=axis + 1)
        lit = profile > images.min((1, 2))[:, None] + 1e-6
        assert (lit.sum(1) == 1).all()  # one pixel wide
        assert np.ptp(images, axis=axis + 1).max() < 1e-6  # and all across
        assert set(lit.argmax(1).tolist()) == set(range(int(odd), 28, 2))
        plain = draw_edges(np.random.default_rng(0), 300, widths=(1, 1)).images
        before = plain[edges.labels == label].mean(axis=axis + 1).argmax(1)
        assert set((lit.argmax(1) - before).tolist()) == {0, 1 if odd else -1}
    flat = edges.images[edges.labels == 2]
    assert np.ptp(flat, axis=(1, 2)).max() == 0


def test_the_winner_of_a_seed_by_hand():
    validation = np.array([[0.5, 0.9, 0.3], [0.7, 0.2, 0.3]])
    test = np.array([[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]])
    found = picked_by_one_seed(validation, test)
    assert np.allclose(found.validation, [0.7, 0.9, 0.3])
    assert np.allclose(found.test, [0.4, 0.2, 0.3])
    assert np.allclose(found.again, [0.55, 0.2, 0.15])


def test_equal_settings_promise_too_much_on_the_images_that_choose_and_on_no_others():
    rng = np.random.default_rng(0)
    validation, test = (rng.binomial(150, 0.7, (12, 400)) / 150 for _ in range(2))
    found = picked_by_one_seed(validation, test)
    assert found.validation.mean() > 0.74
    assert abs(found.test.mean() - 0.7) < 0.01
    assert abs(found.again.mean() - 0.7) < 0.01


def test_a_crossing_by_hand():
    assert np.isclose(crossing([10, 100, 1000], np.array([0.5, 0.7, 0.9]), 0.7), 100)
    assert np.isclose(crossing([10, 100, 1000], np.array([0.5, 0.7, 0.9]), 0.8), 10**2.5)
    assert crossing([10, 100], np.array([0.5, 0.7]), 0.4) == 10
    assert crossing([10, 100], np.array([0.5, 0.7]), 0.8) == 100


@given(ACCURACIES, st.floats(0, 1))
def test_crossings_follow_the_rising_curve_of_scikit_learn(accuracies, goal):
    sizes = np.geomspace(10, 1000, len(accuracies))
    found = crossing(sizes, np.array(accuracies), goal)
    rising = IsotonicRegression().fit_transform(np.log(sizes), accuracies)
    assert sizes[0] <= found <= sizes[-1] * (1 + 1e-9)
    at = np.interp(np.log(found), np.log(sizes), rising)
    assert np.isclose(at, np.clip(goal, rising[0], rising[-1]), atol=1e-6)


def test_the_bootstrap_is_around_the_crossing_and_narrow_where_seeds_agree():
    rng = np.random.default_rng(0)
    sizes = [10, 20, 40, 80]
    mean = np.array([0.5, 0.6, 0.7, 0.8])[:, None]
    wide = mean + rng.normal(0, 0.05, (4, 20))
    goals = np.full(20, 0.65)
    spread = images_needed(sizes, wide, goals, np.random.default_rng(1))
    exact = images_needed(sizes, mean + np.zeros((4, 20)), goals, np.random.default_rng(1))
    assert np.allclose(exact, np.sqrt(20 * 40))
    low, high = np.quantile(spread, [0.025, 0.975])
    assert low < crossing(sizes, wide.mean(1), 0.65) < high
    assert high - low > 1


def test_the_bootstrap_compares_a_seed_with_itself():
    shift = np.random.default_rng(2).normal(0, 0.05, 20)  # what a seed's luck adds to both
    accuracies = np.array([0.5, 0.6, 0.7, 0.8])[:, None] + shift
    found = images_needed([10, 20, 40, 80], accuracies, 0.65 + shift, np.random.default_rng(3), 50)
    assert np.allclose(found, np.sqrt(20 * 40))
