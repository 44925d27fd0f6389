"""Training by batch size: against a loop by hand, numpy's polyfit, and rules done on paper."""

import math

import numpy as np
import pytest
import torch
from small_cifar import write_sheets
from torch import nn

from convbook.cifar import Images
from convbook.experiments import batch_images, batch_rates, batches
from convbook.experiments.batch_images import Preparation, Sets, draw_sets
from convbook.experiments.batch_statistics import renew
from convbook.experiments.batches import Clock, Run, small_network, train
from convbook.intervals import mean_interval

CPU = torch.device("cpu")
NAMES = tuple("abc")


def tiny():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(),
                         nn.Linear(4 * 16, 3))  # fmt: skip


def images(count, seed=0, side=6):
    rng = np.random.default_rng(seed)
    x = rng.integers(256, size=(count, side, side, 3), dtype=np.uint8)
    return Images(x, rng.integers(3, size=count), NAMES, "made up")


def run_tiny(batch=8, seed=3, **options):
    settings = {"epochs": 2, "network": tiny, "side": 6, "device": "cpu", **options}
    return train(batch, 0.05, seed, images(20), images(15, seed=1), **settings)


def prepared(some, like):
    """Normalised by the channels' mean and deviation over the images of ``like``."""
    mean, std = like.images.mean((0, 1, 2)), like.images.std((0, 1, 2))
    return torch.tensor(((some.images - mean) / std).transpose(0, 3, 1, 2), dtype=torch.float32)


def test_a_run_is_that_of_a_loop_by_hand():
    mine, held_out = images(20), images(15, seed=1)
    made = []

    def remembered():
        made.append(tiny())
        return made[-1]

    run = run_tiny(network=remembered, every_epoch=True)

    state = torch.random.get_rng_state()
    torch.manual_seed(3)
    model = tiny()
    torch.random.set_rng_state(state)
    speed = [torch.zeros_like(p) for p in model.parameters()]
    x, y = prepared(mine, mine), torch.tensor(mine.labels)
    others, answers = prepared(held_out, mine), torch.tensor(held_out.labels)
    rng = np.random.default_rng([3, batches.ORDER])
    training, evaluated = [], []
    for _ in range(2):
        order, correct = rng.permutation(20), 0
        for start in (0, 8, 16):
            chosen = order[start : start + 8]
            scores = model(x[chosen])
            correct += int((scores.argmax(1) == y[chosen]).sum())
            loss = -torch.log_softmax(scores, 1)[range(len(chosen)), y[chosen]].mean()
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            with torch.no_grad():
                for p, v, g in zip(model.parameters(), speed, gradients, strict=True):
                    v.mul_(0.9).add_(g)
                    p.sub_(0.05 * v)
        training.append(correct / 20)
        model.eval()
        evaluated.append((model(others).argmax(1) == answers).double().mean().item())
        model.train()
    assert run.training.tolist() == training
    assert run.held_out.tolist() == evaluated
    assert run.steps == 6
    assert (run.batch, run.rate, run.seed) == (8, 0.05, 3)
    for own, other in zip(made[0].parameters(), model.parameters(), strict=True):
        assert torch.allclose(own, other, atol=1e-5)
    # All 20 images fit into one batch of the renewal: its statistics are those of the images.
    with torch.no_grad():
        maps = model[0](x)
    mean, variance = maps.mean((0, 2, 3)), maps.var((0, 2, 3))
    assert torch.allclose(made[0][1].running_mean, mean, atol=1e-5)
    assert torch.allclose(made[0][1].running_var, variance, rtol=1e-4)
    shift = (model[1].running_mean - mean).abs() / (variance + 1e-5).sqrt()
    assert run.lag == pytest.approx(shift.median().item(), rel=1e-3)
    model[1].running_mean.copy_(mean)
    model[1].running_var.copy_(variance)
    again = (model.eval()(others).argmax(1) == answers).double().mean().item()
    assert run.renewed == again


def test_an_epoch_uses_every_image_once_in_an_order_of_its_own():
    shades = np.arange(0, 200, 10, dtype=np.uint8)
    x = np.broadcast_to(shades[:, None, None, None], (20, 6, 6, 3)).copy()
    data = Images(x, np.zeros(20, np.int64), NAMES, "")
    seen = []

    class Watching(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.out = nn.Linear(1, 3), seen

        def forward(self, x):
            if torch.is_grad_enabled():
                self.out.append(x[:, 0, 0, 0].tolist())
            return self.layer(x[:, :1, 0, 0])

    train(8, 0.1, 0, data, data, epochs=2, network=Watching, side=6, device="cpu")
    assert [len(each) for each in seen] == [8, 8, 4] * 2  # the warm-up's copy has a list of its own
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert len(set(first)) == 20
    assert sorted(first) == sorted(second)
    assert first.tolist() != second.tolist()


def test_a_seed_decides_everything_and_leaves_torchs_generator_alone():
    before = torch.random.get_rng_state()
    one, again, other = run_tiny(), run_tiny(), run_tiny(seed=4)
    assert torch.equal(before, torch.random.get_rng_state())
    assert one.training.tolist() == again.training.tolist()
    assert (one.renewed, one.lag) == (again.renewed, again.lag)
    assert one.lag != other.lag


def test_time_grows_and_has_two_parts():
    run = run_tiny(epochs=3)
    for part in (run.data, run.arithmetic):
        assert part.shape == (3,)
        assert (np.diff(part, prepend=0) > 0).all()
    assert run.held_out.shape == (1,)


def test_a_clock_adds_up_what_it_is_asked_to(monkeypatch):
    readings = iter([10.0, 11.0, 14.0, 100.0, 100.5])
    monkeypatch.setattr(batches.time, "perf_counter", lambda: next(readings))
    clock = Clock(CPU)
    clock.start()
    clock.lap("data")
    clock.lap("arithmetic")
    clock.start()  # what was between does not count
    clock.lap("data")
    assert clock.spent == {"data": 1.5, "arithmetic": 3.0}


@pytest.mark.parametrize("batch", [4, 32])
def test_the_small_network_learns_digits_of_light_and_shade(batch):
    labels = np.arange(64) % 2
    x = np.repeat(labels * 200, 12 * 12 * 3).reshape(64, 12, 12, 3).astype(np.uint8)
    data = Images(x, labels, NAMES, "")
    run = train(batch, 0.01, 0, data, data, epochs=2, device="cpu")
    assert run.steps == 2 * 64 // batch
    assert run.renewed == 1
    assert sum(p.numel() for p in small_network().parameters()) < 80_000


def test_prepared_images_have_mean_0_and_deviation_1():
    x = torch.tensor(images(30).images)
    prepare = Preparation(x, 6, torch.contiguous_format)
    whole = torch.cat(list(prepare.batches(x, 7)))
    assert torch.allclose(whole.mean((0, 2, 3)), torch.zeros(3), atol=1e-6)
    assert torch.allclose(whole.std((0, 2, 3), correction=0), torch.ones(3), atol=1e-5)
    assert torch.allclose(whole, prepared(images(30), images(30)), atol=1e-5)


def test_resizing_to_half_weighs_neighbours_by_a_triangle():
    x = torch.zeros(1, 8, 8, 3, dtype=torch.uint8)
    x[0, :, 3] = 160  # an upright line
    prepare = Preparation(x, 4, torch.contiguous_format)
    grey = prepare(x)[0, 0] * prepare.std[0] + prepare.mean[0]
    # Output 1 weighs the columns 1 to 4 by 1, 3, 3, 1 eighths; output 2 the columns 3 to 6.
    assert torch.allclose(grey[2], torch.tensor([0.0, 160 * 3 / 8, 160 / 8, 0.0]), atol=1e-3)


def test_an_image_of_one_shade_has_no_deviation_to_divide_by():
    x = torch.full((2, 6, 6, 3), 9, dtype=torch.uint8)
    assert not Preparation(x, 6, torch.contiguous_format)(x).any()


def test_renewed_statistics_are_means_over_batches_and_all_else_stays():
    torch.manual_seed(0)
    model = tiny()
    weights = [p.clone() for p in model.parameters()]
    some = [torch.randn(n, 3, 6, 6) for n in (5, 5, 5)]
    renew(model, iter(some))
    with torch.no_grad():
        maps = [model[0](x) for x in some]
    means = torch.stack([each.mean((0, 2, 3)) for each in maps]).mean(0)
    variances = torch.stack([each.var((0, 2, 3)) for each in maps]).mean(0)
    assert torch.allclose(model[1].running_mean, means, atol=1e-6)
    assert torch.allclose(model[1].running_var, variances, atol=1e-6)
    assert model[1].momentum == 0.1
    for own, old in zip(model.parameters(), weights, strict=True):
        assert torch.equal(own, old)
    assert renew(model, iter(some)) == pytest.approx(0, abs=1e-6)


def test_a_network_without_running_statistics():
    assert math.isnan(renew(nn.Linear(2, 2), iter([torch.zeros(1, 2)])))
    with pytest.raises(ValueError, match="no running statistics"):
        renew(nn.BatchNorm1d(2, track_running_stats=False), iter([torch.zeros(2, 2)]))


@pytest.mark.parametrize(
    "change, says",
    [
        ({"batch": 21}, "batch is 21; there are 20 images"),
        ({"batch": 0}, "batch is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"side": 1.5}, "side is 1.5"),
    ],
)
def test_what_cannot_be_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        run_tiny(**change)


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan])
def test_a_rate_must_be_above_0(rate):
    with pytest.raises(ValueError, match="a learning rate must be above 0"):
        train(4, rate, 0, images(8), images(8), network=tiny, side=6)


def as_bytes(part):
    return {image.tobytes() for image in part.images}


@pytest.mark.parametrize("source", ["digits", "CIFAR-10"])
def test_every_seed_has_three_sets_of_its_own(source, tmp_path, monkeypatch):
    folder = "none"
    if source == "CIFAR-10":
        rng = np.random.default_rng(0)
        write_sheets(tmp_path, rng, 2, "train")
        write_sheets(tmp_path, rng, 1, "test")
        monkeypatch.setattr(batch_images, "POOL", (2_000, 1_000))
        folder = str(tmp_path)
    monkeypatch.setenv("CONVBOOK_CIFAR10", folder)
    first, again, other = draw_sets([0, 0, 1])
    for sets in (first, other):
        parts = (sets.train, sets.validation, sets.test)
        assert [len(part) for part in parts] == [1024, 256, 512]
        assert sum(len(as_bytes(part)) for part in parts) == 1024 + 256 + 512
        assert len(set.union(*map(as_bytes, parts))) == 1024 + 256 + 512
        assert source in sets.train.source
    assert np.array_equal(first.train.images, again.train.images)
    assert as_bytes(first.train) != as_bytes(other.train)
    if source == "digits":  # seeds draw alone, whichever others are drawn with them
        assert np.array_equal(draw_sets([1])[0].test.images, other.test.images)


def test_the_rules_give_the_rates_of_the_homework_and_of_paper():
    assert np.allclose([batch_rates.homework(b) for b in batches.BATCHES],
                       [0.0001, 0.0004, 0.0016, 0.0064, 0.0064])  # fmt: skip
    assert np.allclose([batch_rates.linear(b) for b in batches.BATCHES],
                       [0.0016, 0.0064, 0.0256, 0.1024, 0.4096])  # fmt: skip
    assert np.allclose(batch_rates.around(16), [0.0016, 0.0064, 0.0256])
    # A fixed rate meets others in cells of the table, and must find them by equality.
    assert batch_rates.around(16)[0] == batch_rates.START
    assert batch_rates.around(64)[0] == batch_rates.linear(16)


def made_up(batch, rate, seed, renewed):
    nothing = np.zeros(1)
    return Run(batch, rate, seed, 1, nothing, nothing, renewed, 0.0, nothing, nothing)


def test_a_table_has_the_runs_of_a_cell_by_seed_and_tuning_takes_the_best_mean():
    runs = [
        made_up(4, 0.2, 1, 0.5), made_up(4, 0.2, 0, 0.7),
        made_up(4, 0.1, 0, 0.9), made_up(4, 0.1, 1, 0.2),
        made_up(16, 0.4, 0, 0.5), made_up(16, 0.1, 0, 0.5),
    ]  # fmt: skip
    found = batch_rates.table(runs)
    assert list(found) == [(4, 0.1), (4, 0.2), (16, 0.1), (16, 0.4)]
    assert [run.seed for run in found[4, 0.2]] == [0, 1]
    assert batch_rates.tuned(runs) == {4: 0.2, 16: 0.1}


def test_a_seed_goes_through_its_cells_with_its_own_images(monkeypatch):
    done = []

    def fake(batch, rate, seed, train_images, held_out):
        done.append((batch, rate, seed, train_images, held_out))
        return batch

    monkeypatch.setattr(batch_rates, "train", fake)
    sets = Sets("train", "validation", "test")
    cells = [(4, 0.1), (16, 0.2), (64, 0.3)]
    assert batch_rates.trained(4, sets, cells) == [4, 16, 64]
    assert [each[:3] for each in done] == [(4, 0.1, 4), (16, 0.2, 4), (64, 0.3, 4)]
    assert done[0][3:] == ("train", "test")
    batch_rates.trained(0, sets, cells[:1], "validation")
    assert done[-1][3:] == ("train", "validation")


def test_the_cost_of_a_step_is_numpys_weighted_line():
    rng = np.random.default_rng(0)
    x = np.array(batches.BATCHES)
    y = (0.003 + 1e-4 * x) * rng.uniform(0.9, 1.1, len(x))
    cost = batch_rates.step_cost(x, y)
    slope, fixed = np.polyfit(x, y, 1, w=1 / y)
    assert np.allclose([cost.per_image, cost.fixed], [slope, fixed])
    exact = batch_rates.step_cost([1, 3], [5.0, 9.0])
    assert np.allclose([exact.fixed, exact.per_image], [3, 2])
    assert np.allclose(exact.step([0, 10]), [3, 23])
    assert np.allclose(exact.overhead([1, 3]), [3 / 5, 3 / 9])


def test_no_part_of_a_steps_cost_is_below_0():
    falling = batch_rates.step_cost([4, 16], [1.2, 1.0])
    assert falling.per_image == 0
    assert falling.fixed == pytest.approx((1 / 1.2 + 1) / (1 / 1.2**2 + 1))  # by hand
    assert batch_rates.step_cost([1, 10], [1.0, 20.0]).fixed == 0


def test_a_line_needs_two_sizes_and_times():
    with pytest.raises(ValueError, match="two different sizes"):
        batch_rates.step_cost([4, 4], [1.0, 2.0])
    with pytest.raises(ValueError, match="must be above 0"):
        batch_rates.step_cost([4, 16], [1.0, 0.0])


def test_who_cannot_be_told_from_the_best():
    rng = np.random.default_rng(0)
    images_drawn = rng.normal(size=10)  # what a seed's images do to all sizes alike
    values = {
        4: images_drawn + 1,
        16: images_drawn + 0.99 + 0.1 * rng.normal(size=10),
        64: images_drawn + 0.5 + 0.1 * rng.normal(size=10),
    }
    low, high = mean_interval(values[4] - values[16])
    assert low < 0 < high
    best, alike = batch_rates.as_good_as_best(values)
    assert set(alike) == {4, 16}
    assert best in alike
    assert batch_rates.as_good_as_best(values, high=False) == (64, [64])
