"""What experiments train on and what they report: sets of their own, and never the same images."""

import numpy as np
import pytest

from convbook.experiments import (
    ingredients,
    overfitting,
    permuted,
    pooled,
    shift,
    sweeping,
    trials,
)
from convbook.experiments.sets import TEST, TRAINING, VALIDATION, draw_sets
from convbook.training import SHUFFLING, evaluate

SEEDS = [6, 7]


def test_each_purpose_of_a_seed_draws_numbers_of_its_own():
    purposes = [TRAINING, VALIDATION, TEST, shift.INSIDE, SHUFFLING, permuted.CHANGE]
    drawn = [np.random.default_rng([5, purpose]).random() for purpose in purposes]
    assert len(set(drawn)) == len(purposes)


class Watched:
    """What an experiment hands to `fit` and `evaluate`, which do their work as ever."""

    def __init__(self, monkeypatch, module):
        self.networks, self.trained, self.settings, self.held_out = [], [], {}, []
        fit, score = module.fit, getattr(module, "evaluate", None)

        def fit_watched(networks, images, labels, **settings):
            self.networks += networks
            self.trained.append(images)
            self.held_out += [images for images, _ in settings.get("watch", {}).values()]
            self.settings = settings
            return fit(networks, images, labels, **settings)

        def evaluate_watched(networks, images, labels):
            self.held_out.append(images)
            return score(networks, images, labels)

        monkeypatch.setattr(module, "fit", fit_watched)
        if score:
            monkeypatch.setattr(module, "evaluate", evaluate_watched)


# As many images for training as for the rest: were they drawn alike, they would be the same.
EXPERIMENTS = {
    "learned": (sweeping, lambda: sweeping.trained("mlp", 50, seeds=SEEDS, epochs=1)),
    "permuted": (
        permuted,
        lambda: permuted.trained("mlp", 100, seeds=SEEDS, change="permuted", epochs=1),
    ),
    "poolings": (
        pooled,
        lambda: pooled.five_classes("max", seeds=SEEDS, epochs=1, per_class=50),
    ),
    "heads": (
        pooled,
        lambda: pooled.heads("bands", "max", seeds=SEEDS, per_class=100, steps=1, elsewhere=True),
    ),
    "ingredients": (
        ingredients,
        lambda: ingredients.tried("MLP", "which way", seeds=SEEDS, per_class=100, epochs=1),
    ),
}


def rows(images):
    return {
        image.tobytes() for image in np.ascontiguousarray(images).reshape(-1, *images.shape[2:])
    }


@pytest.mark.parametrize(("module", "job"), EXPERIMENTS.values(), ids=EXPERIMENTS)
def test_no_image_of_training_is_judged(monkeypatch, module, job):
    watched = Watched(monkeypatch, module)
    job()
    assert watched.held_out
    known = set().union(*(rows(images) for images in watched.trained))
    assert len(known) == sum(len(images) * images.shape[1] for images in watched.trained)
    for images in watched.held_out:
        assert not rows(images) & known


def test_overfitting_reports_new_images_beside_those_of_training(monkeypatch):
    watched = Watched(monkeypatch, overfitting)
    found = overfitting.overfit("mlp", seeds=SEEDS, epochs=300)
    assert watched.settings["batch_size"] == 32
    assert (found.train > found.validation).all()
    for accuracy, purpose, count in (
        (found.train, TRAINING, 10),
        (found.validation, VALIDATION, 50),
    ):
        expected = evaluate(found.after, *draw_sets(SEEDS, purpose, count)).accuracy
        assert np.allclose(accuracy, expected)


def test_wide_networks_are_trained_one_by_one_on_the_images_of_their_seeds(monkeypatch):
    watched = Watched(monkeypatch, sweeping)
    sweeping.trained("wide cnn", 1, seeds=SEEDS, epochs=1)
    expected, _ = draw_sets(SEEDS, TRAINING, 1)
    assert len(watched.trained) == len(SEEDS)
    assert np.array_equal(np.concatenate(watched.trained), expected)


CHOSEN = {"learning_rate": 0.03, "optimizer": "adam"}


@pytest.mark.parametrize(
    ("module", "job", "settings"),
    [
        (permuted, lambda: permuted.trained("mlp", 1, seeds=[0], epochs=1, **CHOSEN), CHOSEN),
        (
            trials,
            lambda: trials.trial(
                "mlp", seeds=[0], epochs=[2, 3], training={"per_class": 1}, learning_rate=0.03,
                batch_size=2,
            ),
            {"learning_rate": 0.03, "batch_size": 2, "epochs": 3},
        ),
    ],
)  # fmt: skip
def test_settings_reach_the_training(monkeypatch, module, job, settings):
    watched = Watched(monkeypatch, module)
    job()
    assert {name: watched.settings[name] for name in settings} == settings


@pytest.mark.parametrize("pooling", ["average", "none"])
def test_five_classes_are_pooled_as_told(monkeypatch, pooling):
    watched = Watched(monkeypatch, pooled)
    pooled.five_classes(pooling, seeds=[0], epochs=1, per_class=1)
    assert [network.pooling for network in watched.networks] == [pooling]


def test_heads_train_for_as_many_steps_as_they_are_told(monkeypatch):
    watched = Watched(monkeypatch, pooled)
    pooled.heads("count", "average", seeds=SEEDS, per_class=10, steps=7)
    assert watched.settings["epochs"] == 3  # of three batches of ten


@pytest.mark.parametrize(("network", "rate"), [("not local", 0.01), ("MLP", 0.02)])
def test_ingredients_are_tried_at_their_rate_on_images_of_the_test(monkeypatch, network, rate):
    watched = Watched(monkeypatch, ingredients)
    ingredients.tried(network, "where", seeds=SEEDS, per_class=1, epochs=1)
    assert watched.settings["learning_rate"] == rate
    (expected, _) = draw_sets(SEEDS, TEST, 100, ingredients.draw_places)
    assert np.array_equal(watched.held_out[0], expected)
