"""Training many networks at once: each as though it were alone."""

import pytest
import torch
from torch import nn

from convbook.training import train


def networks(count=3):
    torch.manual_seed(0)
    return [
        nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 9, 1)).double()
        for _ in range(count)
    ]


def batches(count=3, steps=5):
    source = torch.Generator().manual_seed(1)
    return [
        (
            torch.randn(count, 4, 1, 5, 5, generator=source, dtype=torch.float64),
            torch.randn(count, 4, 1, generator=source, dtype=torch.float64),
        )
        for _ in range(steps)
    ]


def alone(network, data, steps):
    """What a plain loop makes of one network."""
    optimizer = torch.optim.Adam(network.parameters(), 0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=steps)
    losses = []
    for x, wanted in data:
        loss = nn.functional.mse_loss(network(x), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def test_each_network_is_trained_as_though_it_were_alone():
    together, single, data = networks(), networks(), batches()
    losses = train(together, data, nn.functional.mse_loss, learning_rate=0.01, steps=5)
    for n, network in enumerate(single):
        expected = alone(network, [(x[n], wanted[n]) for x, wanted in data], 5)
        assert losses[:, n].tolist() == pytest.approx(expected, rel=1e-9)
        for ours, theirs in zip(together[n].parameters(), network.parameters(), strict=True):
            assert torch.allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_training_stops_after_the_steps_asked_for():
    losses = train(networks(), batches(), nn.functional.mse_loss, learning_rate=0.01, steps=2)
    assert losses.shape == (2, 3)


def test_no_networks_and_too_few_batches_are_refused():
    with pytest.raises(ValueError, match="networks"):
        train([], batches(), nn.functional.mse_loss, learning_rate=0.01, steps=5)
    with pytest.raises(ValueError, match="batches"):
        train(networks(), batches(), nn.functional.mse_loss, learning_rate=0.01, steps=6)


def test_networks_keep_their_weights_when_the_batches_run_out():
    group = networks()
    before = [parameter.clone() for parameter in group[0].parameters()]
    with pytest.raises(ValueError, match="batches"):
        train(group, batches(steps=1), nn.functional.mse_loss, learning_rate=0.01, steps=2)
    for old, new in zip(before, group[0].parameters(), strict=True):
        assert torch.equal(old, new)
