"""How far two numbers may be apart, against SciPy's own intervals and by hand."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from convbook.drift_numbers import (
    around,
    numbers,
    same,
    same_cells,
    share_moved,
    share_of_factor,
    value,
    welch_reach,
)

DRAWS = st.lists(st.floats(-1e3, 1e3).map(lambda x: round(x, 3)), min_size=2, max_size=20)


@pytest.mark.filterwarnings("ignore:Precision loss")  # SciPy's, of draws that are all equal
@given(DRAWS, DRAWS, st.floats(1e-6, 0.5))
def test_welch_s_interval_is_scipy_s(old, new, chance):
    if len(set(old)) == 1 and len(set(new)) == 1:
        assert welch_reach(old, new, chance) == 0
        return
    test = stats.ttest_ind(new, old, equal_var=False)
    interval = test.confidence_interval(1 - chance)
    reach = (interval.high - interval.low) / 2
    assert welch_reach(old, new, chance) == pytest.approx(reach, rel=1e-8)


@pytest.mark.parametrize("unit", [1e-170, 1e170, 1e-300, 1e300])
def test_welch_s_interval_has_the_unit_of_the_numbers(unit):
    old, new = [1.0, 2.0, 4.0], [2.0, 3.0, 3.5]
    expected = welch_reach(old, new, 0.01) * unit
    found = welch_reach([x * unit for x in old], [x * unit for x in new], 0.01)
    assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("old, new", [([1.0], [1.0, 2.0]), ([1.0, 2.0], []), ([0, 0], [0, 0])])
def test_without_two_draws_that_differ_nothing_is_allowed(old, new):
    assert welch_reach(old, new, 0.01) == 0


def test_equal_draws_have_no_spread_whatever_their_rounding():
    assert welch_reach([0.1] * 10, [0.7] * 10, 0.01) == 0


def test_around_by_hand():
    # A chance of 5 % keeps the 95 % intervals as wide as they are: 3, 4, 5 and 5, 12, 13.
    low, high = around(10, 10, old=(5, 13), new=(6, 22), chance=0.05)
    assert (low, high) == pytest.approx((10 - 13, 10 + 5))
    wider = statistics.NormalDist().inv_cdf(0.995) / statistics.NormalDist().inv_cdf(0.975)
    low, high = around(10, 10, old=(5, 13), new=(6, 22), chance=0.01)
    assert (low, high) == pytest.approx((10 - 13 * wider, 10 + 5 * wider))


def test_an_interval_that_leaves_out_its_number_reaches_nowhere_on_that_side():
    assert around(10, 10, old=(11, 12), new=(8, 9), chance=0.05) == (10, 10 + math.hypot(2, 2))


@pytest.mark.parametrize(
    "now, share",
    [(15, 0.5), (20, 1), (30, 2), (8, 0.5), (6, 1), (math.inf, math.inf), (math.nan, math.inf)],
)
def test_the_share_moved_is_that_of_its_side(now, share):
    assert share_moved(10, now, (6, 20)) == share


@given(st.floats(1.01, 100), st.floats(1e-6, 1e6), st.floats(-3, 3))
def test_a_factor_counts_by_how_often_it_is_taken(factor, was, times):
    now = was * factor**times
    assert share_of_factor(was, now, factor) == pytest.approx(abs(times), abs=1e-6)
    assert share_of_factor(-was, -now, factor) == pytest.approx(abs(times), abs=1e-6)
    assert share_of_factor(was, -now, factor) == math.inf


@pytest.mark.parametrize("was, now", [(0.3, 0.9), (0.9, 0.3), (0.1, 0.3), (0.7, 2.1)])
def test_the_last_bit_does_not_decide_about_a_factor(was, now):
    assert share_of_factor(was, now, 3) <= 1


@pytest.mark.parametrize("was, now", [(0, 1), (1, 0), (1, math.inf), (math.nan, 1)])
def test_nothing_is_a_multiple_of_nothing(was, now):
    assert share_of_factor(was, now, 3) == math.inf


@pytest.mark.parametrize(
    "cell, expected",
    [
        ("1", 1.0),
        ("-.5e-3", -0.0005),
        ("1.", 1.0),
        ("inf", math.inf),
        ("1_0", "1_0"),  # which Python would read as 10
        ("9×9", "9×9"),
        ("٣", "٣"),
        (" 1", " 1"),
        ("True", "True"),
    ],
)
def test_a_cell_is_a_number_or_a_text(cell, expected):
    assert value(cell) == expected


@pytest.mark.parametrize("cell", ["", "nan", "NaN"])
def test_an_empty_cell_is_no_number(cell):
    assert math.isnan(value(cell))


@given(st.floats(allow_nan=False))
def test_every_number_of_a_table_is_read(number):
    assert value(f"{number:.10g}") == float(f"{number:.10g}")


def test_the_numbers_under_a_rule():
    assert numbers("a", ["1", "", "2.5", "nan"]) == [1, 2.5]
    with pytest.raises(ValueError, match=r"'a'.*'high'"):
        numbers("a", ["1", "high"])


@given(st.floats(-1e6, 1e6), st.floats(0.1, 1e6))
def test_what_a_rounding_changes_is_the_same(x, scale):
    reach = max(1e-6 * abs(x), 1e-12 * scale)
    assert same(x, x + 0.9 * reach, scale)
    assert not same(x, x + 1.2 * reach, scale)


def test_a_number_that_is_small_beside_others_may_not_change_a_thousandfold():
    """An error of 6e-11 in a column that reaches 4 was once the same as one of 6e-8."""
    assert not same(5.9e-11, 5.9e-8, 4.0)
    assert same(0.0, 1e-16, 4.0)


@pytest.mark.parametrize(
    "old, new, expected",
    [
        ("1000000", "1000001", False),  # a count
        ("1000000.1", "1000001", True),  # a measurement
        ("1", "1.0", True),
        ("9007199254740992", "9007199254740993", False),  # which are one float
        ("", "nan", True),
        ("", "0", False),
        ("nan", "0", False),
        ("inf", "inf", True),
        ("inf", "-inf", False),
        ("inf", "1", False),
        ("a", "a", True),
        ("a", "b", False),
        ("a", "1", False),
    ],
)
def test_cells_that_are_the_same(old, new, expected):
    assert same_cells(old, new, scale=1e7) is expected
    assert same_cells(new, old, scale=1e7) is expected


def test_a_reach_is_left_as_rarely_as_it_says():
    """Of draws that are skewed and whole, as accuracies near 1 are."""
    generator = np.random.default_rng(7)
    samples = generator.binomial(300, 0.96, size=(2, 2000, 10)) / 300
    left = [
        abs(np.mean(new) - np.mean(old)) > welch_reach(list(old), list(new), 0.05)
        for old, new in zip(*samples, strict=True)
    ]
    assert np.mean(left) == pytest.approx(0.05, abs=0.02)
