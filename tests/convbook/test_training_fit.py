"""Many classifiers trained together, against a plain loop over one network after the other."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from convbook.edges import draw_edges
from convbook.models import MLP, SmallCNN, untrained
from convbook.training import SHUFFLING, confusion, evaluate, fit

SEEDS = (3, 1, 4)


def edges(per_class=4, side=12, seeds=SEEDS, noise=0.1):
    """A set for each seed, stacked."""
    sets = [
        draw_edges(np.random.default_rng(s), per_class, side=side, noise=noise).tensors
        for s in seeds
    ]
    return tuple(np.stack(each) for each in zip(*sets, strict=True))


def doubles(build, seeds=SEEDS):
    return [network.double() for network in untrained(build, seeds)]


def small(**choices):
    return SmallCNN(**{"side": 12, "kernel_size": 3, **choices})


def alone(network, images, labels, seed, *, epochs, batch_size, optimizer, frozen=()):
    """What torch makes of one network, image by image in the same order."""
    x, y = torch.as_tensor(images, dtype=torch.float64), torch.as_tensor(labels)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in frozen)
    rule = optimizer([p for p in network.parameters() if p.requires_grad])
    order = np.random.default_rng([seed, SHUFFLING])
    for _ in range(epochs):
        for take in torch.as_tensor(order.permutation(len(y))).split(batch_size):
            rule.zero_grad()
            F.cross_entropy(network(x[take]), y[take]).backward()
            rule.step()
    with torch.no_grad():
        scores = network(x)
    return F.cross_entropy(scores, y).item(), (scores.argmax(1) == y).double().mean().item()


def each_alone(networks, images, labels, **how):
    """One network after the other, each with its own images."""
    own = zip(networks, images, labels, SEEDS[: len(networks)], strict=True)
    return [alone(*each, **{"epochs": 2, "batch_size": 10, **how}) for each in own]


def sgd(rate, decay=0.0):
    return lambda parameters: torch.optim.SGD(parameters, rate, momentum=0.9, weight_decay=decay)


def adam(parameters):
    return torch.optim.Adam(parameters, 0.01)


def assert_same_weights(ours, theirs, tolerance=1e-9):
    for one, other in zip(ours, theirs, strict=True):
        for here, there in zip(one.parameters(), other.parameters(), strict=True):
            assert torch.allclose(here, there, rtol=0, atol=tolerance)


BUILDS = {
    "the homework's CNN": lambda: SmallCNN(side=12, kernel_size=5),
    "three layers, all of them flat": lambda: small(depth=3, head="flatten", pooling="average"),
    "one layer": lambda: small(depth=1, head="max", width=2),
    "coordinates": lambda: small(coordinates=True, pooling="none", padding_mode="zeros"),
    "a kernel for each place": lambda: small(sharing=False, width=2),
    "wide": lambda: small(width=20),
    "MLP": lambda: MLP(side=12, hidden=(7, 5)),
    "any other": lambda: nn.Sequential(nn.Flatten(), nn.Linear(144, 4), nn.Tanh(), nn.Linear(4, 3)),
}


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_each_network_is_trained_as_though_it_were_alone(build):
    images, labels = edges()
    together = doubles(build)
    single = copy.deepcopy(together)
    history = fit(together, images, labels, epochs=3, seeds=SEEDS, batch_size=5, learning_rate=0.05)
    scores = each_alone(single, images, labels, epochs=3, batch_size=5, optimizer=sgd(0.05))
    for n, (loss, accuracy) in enumerate(scores):
        assert history.loss["train"][-1, n] == pytest.approx(loss, abs=1e-9)
        assert history.accuracy["train"][-1, n] == pytest.approx(accuracy)
    assert_same_weights(together, single)


@settings(max_examples=60)
@given(
    kernel=st.integers(1, 6),
    depth=st.integers(1, 3),
    width=st.integers(1, 4),
    pooling=st.sampled_from(["max", "average", "none"]),
    head=st.sampled_from(["average", "max", "flatten"]),
    padding=st.sampled_from(["reflect", "circular", "zeros", "replicate", "valid"]),
    side=st.integers(10, 15),
    coordinates=st.booleans(),
)
def test_any_small_network_takes_the_same_steps(
    kernel, depth, width, pooling, head, padding, side, coordinates
):
    images, labels = edges(per_class=2, side=side, seeds=SEEDS[:2])
    assume(padding != "valid" or side // 2 > depth * kernel)
    together = doubles(
        lambda: SmallCNN(
            side=side,
            kernel_size=min(kernel, side // 3),
            depth=depth,
            width=width,
            pooling=pooling,
            head=head,
            padding_mode=padding,
            coordinates=coordinates,
        ),
        SEEDS[:2],
    )
    single = copy.deepcopy(together)
    fit(together, images, labels, epochs=2, seeds=SEEDS[:2], batch_size=4)
    each_alone(single, images, labels, batch_size=4, optimizer=sgd(0.01))
    assert_same_weights(together, single)


def test_the_homeworks_networks_agree_in_single_precision_on_images_full_of_ties():
    images, labels = edges(per_class=5, side=28, noise=0.0)
    for build in (SmallCNN, MLP):
        together = untrained(build, SEEDS)
        single = doubles(build)
        fit(together, images, labels, epochs=2, seeds=SEEDS)
        each_alone(single, images, labels, optimizer=sgd(0.01))
        assert_same_weights([network.double() for network in together], single, 1e-4)


def test_every_network_can_have_a_learning_rate_of_its_own():
    images, labels = edges()
    together, rates = doubles(small), (0.1, 0.01, 0.001)
    single = copy.deepcopy(together)
    fit(together, images, labels, epochs=3, seeds=SEEDS, learning_rate=rates)
    for n, (network, rate) in enumerate(zip(single, rates, strict=True)):
        alone(network, images[n], labels[n], SEEDS[n], epochs=3, batch_size=10, optimizer=sgd(rate))
    assert_same_weights(together, single)


@pytest.mark.parametrize("name, rate", [("adam", 0.02), ("sgd", (0.1, 0.01, 0.03))])
def test_weight_decay_is_torchs(name, rate):
    images, labels = edges()
    together = doubles(small)
    single = copy.deepcopy(together)
    how = {"optimizer": name, "learning_rate": rate, "weight_decay": 0.1}
    fit(together, images, labels, epochs=3, seeds=SEEDS, **how)
    for n, network in enumerate(single):
        own = float(np.broadcast_to(rate, 3)[n])
        rule = (
            sgd(own, 0.1)
            if name == "sgd"
            else lambda parameters, own=own: torch.optim.Adam(parameters, own, weight_decay=0.1)
        )
        alone(network, images[n], labels[n], SEEDS[n], epochs=3, batch_size=10, optimizer=rule)
    assert_same_weights(together, single)


@pytest.mark.parametrize("build", BUILDS.values(), ids=BUILDS)
def test_adam_takes_its_steps_whatever_the_layout_of_the_gradients(build):
    images, labels = edges()
    together = doubles(build)
    single = copy.deepcopy(together)
    fit(together, images, labels, epochs=2, seeds=SEEDS, optimizer="adam", learning_rate=0.01)
    each_alone(single, images, labels, optimizer=adam)
    assert_same_weights(together, single, 1e-7)


def test_frozen_parameters_stay_and_the_others_learn_as_though_alone():
    images, labels = edges()
    together = doubles(small)
    single, before = copy.deepcopy(together), copy.deepcopy(together)
    fit(together, images, labels, epochs=2, seeds=SEEDS, frozen=["convolutions.0"])
    first = ("convolutions.0.weight", "convolutions.0.bias")
    each_alone(single, images, labels, optimizer=sgd(0.01), frozen=first)
    for n in range(len(SEEDS)):
        ours, old = together[n].convolutions, before[n].convolutions
        assert torch.equal(ours[0].weight, old[0].weight)
        assert torch.equal(ours[0].bias, old[0].bias)
        assert not torch.equal(ours[1].weight, old[1].weight)
    assert_same_weights(together, single)


def test_a_parameter_that_wants_no_gradient_stays():
    images, labels = edges()
    networks = untrained(small, SEEDS)
    for network in networks:
        network.linear.weight.requires_grad_(False)
    before = networks[0].linear.weight.clone()
    fit(networks, images, labels, epochs=1, seeds=SEEDS)
    assert torch.equal(networks[0].linear.weight, before)


@pytest.mark.parametrize("build", [small, lambda: MLP(side=12)])
def test_a_shared_training_set_is_one_for_each(build):
    images, labels = edges(seeds=SEEDS[:1])
    shared, own = untrained(build, SEEDS), untrained(build, SEEDS)
    fit(shared, images, labels, epochs=2, seeds=SEEDS)
    fit(own, np.repeat(images, 3, 0), np.repeat(labels, 3, 0), epochs=2, seeds=SEEDS)
    assert_same_weights(shared, own, 0)


def test_the_same_seeds_give_the_same_bits():
    images, labels = edges()
    first, second = untrained(SmallCNN, SEEDS), untrained(SmallCNN, SEEDS)
    for networks in (first, second):
        fit(networks, images, labels, epochs=2, seeds=SEEDS)
    assert_same_weights(first, second, 0)


def test_the_history_is_of_images_and_on_one_scale():
    images, labels = edges(per_class=5)  # 15 images: batches of 10 and of 5
    networks = untrained(small, SEEDS)
    watched = {"again": (images, labels), "first": (images[:1], labels[:1])}
    history = fit(
        networks, images, labels, epochs=5, seeds=SEEDS, watch=watched, every=2, learning_rate=0.1
    )
    assert history.epochs.tolist() == [2, 4, 5]
    for values in (history.loss, history.accuracy):
        assert set(values) == {"train", "again", "first"}
        assert np.array_equal(values["train"], values["again"])
        assert values["train"].shape == (3, 3)
        assert np.array_equal(values["first"][:, 0], values["train"][:, 0])
    for n, network in enumerate(networks):
        with torch.no_grad():
            loss = F.cross_entropy(network(torch.as_tensor(images[n])), torch.as_tensor(labels[n]))
        assert history.loss["train"][-1, n] == pytest.approx(loss.item(), rel=1e-5)


@pytest.mark.parametrize("build", [small, lambda: MLP(side=12), BUILDS["any other"]])
def test_scores_are_what_each_network_gives(build):
    images, labels = edges(per_class=30)
    networks = untrained(build, SEEDS)
    scores = evaluate(networks, images, labels)
    with torch.no_grad():
        expected = torch.stack(
            [network(torch.as_tensor(x)) for network, x in zip(networks, images, strict=True)]
        )
    assert np.allclose(scores.logits, expected, atol=1e-5)
    assert np.allclose(scores.accuracy, (expected.argmax(-1).numpy() == labels).mean(1))
    shared = evaluate(networks, images[:1], labels[:1])
    assert np.allclose(shared.logits[0], scores.logits[0], atol=1e-6)


def test_an_mlp_takes_images_that_are_flat_already():
    images, labels = edges()
    networks = untrained(lambda: MLP(side=12), SEEDS)
    flat = images.reshape(*images.shape[:2], -1)
    assert np.array_equal(
        evaluate(networks, flat, labels).logits, evaluate(networks, images, labels).logits
    )


def test_confusion_by_hand():
    labels = np.array([[0, 0, 1, 1]])
    logits = np.eye(3)[[[0, 1, 1, 1], [2, 2, 0, 1]]]
    shares = confusion(logits, labels)
    assert shares[0].tolist() == [[0.5, 0.5, 0], [0, 1, 0], [0, 0, 0]]
    assert shares[1].tolist() == [[0, 0, 1], [0.5, 0.5, 0], [0, 0, 0]]


@pytest.mark.parametrize(
    "change, named",
    [
        ({"seeds": (1, 2)}, "seeds"),
        ({"optimizer": "lbfgs"}, "optimizer"),
        ({"optimizer": "adam", "learning_rate": (0.1, 0.2, 0.1)}, "learning_rate"),
        ({"watch": {"held out": (np.zeros((2, 4, 1, 12, 12)), np.zeros((2, 4)))}}, "held out"),
        ({"frozen": ["convolutions", "linear"]}, "frozen"),
        ({"frozen": ["conv1"]}, "frozen"),
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"every": 0}, "every"),
        ({"learning_rate": (0.1, 0.2)}, "learning_rate"),
    ],
)
def test_a_mistake_is_named(change, named):
    images, labels = edges()
    arguments = {"epochs": 1, "seeds": SEEDS, **change}
    with pytest.raises(ValueError, match=named):
        fit(untrained(small, SEEDS), images, labels, **arguments)


def test_no_networks_are_refused():
    images, labels = edges()
    with pytest.raises(ValueError, match="networks"):
        fit([], images, labels, epochs=1, seeds=())


def test_images_of_another_side_are_scored_and_oblong_ones_refused():
    networks = untrained(small, SEEDS)
    x = np.random.default_rng(0).random((1, 2, 1, 17, 17), dtype=np.float32)
    labels = np.zeros((1, 2), dtype=int)
    with torch.no_grad():
        expected = torch.stack([network(torch.as_tensor(x[0])) for network in networks])
    assert np.allclose(evaluate(networks, x, labels).logits, expected, atol=1e-6)
    with pytest.raises(ValueError, match="images"):
        evaluate(networks, x[..., :13], labels)
