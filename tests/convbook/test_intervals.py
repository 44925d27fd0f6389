"""Intervals, against SciPy, and against what they promise."""

import numpy as np
import pytest
import scipy.stats

from convbook.intervals import mean_interval, summary


def test_the_interval_is_scipys():
    values = np.random.default_rng(0).normal(size=(12, 3))
    theirs = scipy.stats.ttest_1samp(values, 0).confidence_interval(0.9)
    low, high = mean_interval(values, 0.9)
    assert np.allclose(low, theirs.low)
    assert np.allclose(high, theirs.high)


def test_nineteen_of_twenty_intervals_hold_the_mean():
    values = np.random.default_rng(0).normal(3, 2, size=(10, 4000))
    low, high = mean_interval(values)
    assert np.mean((low <= 3) & (high >= 3)) == pytest.approx(0.95, abs=0.01)


@pytest.mark.parametrize(
    "values, level, named",
    [([1.0], 0.95, "values"), (3.0, 0.95, "values"), ([1, 2], 0, "level"), ([1, 2], 95, "level")],
)
def test_what_gives_no_interval_is_named(values, level, named):
    with pytest.raises(ValueError, match=named):
        mean_interval(values, level)


def test_a_summary_holds_what_an_answer_needs():
    values = [0.5, 0.75, 1.0]
    found = summary(values)
    assert found == {
        "mean": 0.75,
        "std": 0.25,
        "seeds": 3,
        "ci95": pytest.approx([0.75 - 0.25 * 4.302653 / 3**0.5, 0.75 + 0.25 * 4.302653 / 3**0.5]),
    }
    assert {type(value) for value in found["ci95"]} == {float}
