"""What moved between two tables: planted changes are found, reruns are not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from convbook.drift_tables import compare_tables, read_columns
from convbook.rendering import to_csv

DRAWN = {"pooled, max": {"draws": "seed"}}
ENDED = {"accuracy": {"low": "low", "high": "high"}}


def table(data):
    return read_columns(to_csv(data).encode(), "a.csv")


def moved(old, new, rules):
    columns, unlike = compare_tables(table(old), table(new), rules)
    assert unlike == ""
    return {column.column: column for column in columns}


def unlike(old, new, rules):
    columns, told = compare_tables(table(old), table(new), rules)
    assert columns == ()
    return told


def drawn(generator, seeds, *, sizes=(1, 2, 5), shift=0.0):
    """A number for each of three sizes, in draws whose spread depends on the size."""
    size, seed = (grid.ravel() for grid in np.meshgrid(sizes, seeds, indexing="ij"))
    noise = generator.normal(size=len(size))
    return {"size": size, "seed": seed, "pooled, max": size + shift + noise * size / 10}


CELLS = st.one_of(
    st.floats(), st.integers(-(10**12), 10**12), st.text(st.characters(codec="utf-8"), max_size=5)
)


@st.composite
def tables(draw):
    names = draw(st.lists(st.text(max_size=6), min_size=1, max_size=4, unique=True))
    rows = draw(st.integers(0, 6))
    return {
        name: [f"{c:.10g}" if isinstance(c, float) else str(c) for c in column]
        for name in names
        for column in [draw(st.lists(CELLS, min_size=rows, max_size=rows))]
    }


@given(tables())
def test_a_table_is_the_same_as_itself(data):
    assert compare_tables(data, data, {}) == ((), "")


@given(st.integers(0, 100), st.integers(2, 12))
def test_a_table_of_draws_is_the_same_as_itself(seed, draws):
    data = drawn(np.random.default_rng(seed), range(draws))
    assert moved(data, data, DRAWN) == {}


@given(st.integers(0, 100), st.integers(3, 12), st.integers(3, 12))
def test_a_planted_change_of_a_mean_is_found(seed, old_draws, new_draws):
    generator = np.random.default_rng(seed)
    old = drawn(generator, range(old_draws))
    new = drawn(generator, range(100, 100 + new_draws), shift=1000)
    (column,) = moved(old, new, DRAWN).values()
    assert (column.status, column.numbers, column.beyond) == ("beyond", 3, 3)
    chosen = [t["pooled, max"][t["size"] == int(column.row["size"])] for t in (old, new)]
    assert (column.old, column.new) == pytest.approx(tuple(map(np.mean, chosen)))
    # One of three numbers, which together leave their intervals once in 100 reruns. Compared to as
    # many digits as the table keeps of it.
    test = stats.ttest_ind(*chosen, equal_var=False).confidence_interval(1 - 0.01 / 3)
    reach = (test.high - test.low) / 2
    assert column.allowed == pytest.approx((column.old - reach, column.old + reach), rel=1e-4)
    assert column.share == pytest.approx((column.new - column.old) / reach, rel=1e-4)


def test_reruns_with_other_seeds_stay_inside_as_often_as_promised():
    beyond = 0
    for rerun in range(400):
        generator = np.random.default_rng(rerun)
        old, new = drawn(generator, range(10)), drawn(generator, range(10, 20))
        (column,) = moved(old, new, DRAWN).values()
        beyond += column.status == "beyond"
    assert beyond / 400 <= 0.03  # 0.01 is promised; 13 of 400 has a chance of 1 in 10,000


def test_one_changed_number_among_many_is_the_one_that_is_told():
    generator = np.random.default_rng(3)
    old, new = drawn(generator, range(10)), drawn(generator, range(10, 20))
    new["pooled, max"][new["size"] == 2] += 3
    (column,) = moved(old, new, DRAWN).values()
    assert (column.beyond, column.row) == (1, {"size": "2"})


def test_a_table_that_is_all_draws_has_one_number():
    old = {"seed": range(5), "pooled, max": [1.0, 1.1, 0.9, 1.2, 1.0]}
    new = {"seed": range(5, 9), "pooled, max": [1.1, 1.0, 1.2, 0.8]}
    (column,) = moved(old, new, DRAWN).values()
    assert (column.status, column.row, column.numbers) == ("within", {}, 1)


def test_draws_that_do_not_vary_may_not_move():
    old = {"seed": [0, 1], "pooled, max": [0.5, 0.5]}
    assert moved(old, {"seed": [2, 3], "pooled, max": [0.5, 0.5]}, DRAWN) == {}
    (column,) = moved(old, {"seed": [2, 3], "pooled, max": [0.6, 0.6]}, DRAWN).values()
    assert (column.status, column.share, column.allowed) == ("beyond", math.inf, (0.5, 0.5))


def test_rows_of_one_draw_count_once():
    def rows(draws):
        """Three rows of each draw, around its number."""
        seeds = [seed for seed in range(len(draws)) for _ in range(3)]
        return {"seed": seeds, "pooled, max": [d + e for d in draws for e in (-0.5, 0.0, 0.5)]}

    draws, others = [1.0, 1.3, 0.9, 1.1], [1.5, 1.2, 1.4]
    (column,) = moved(rows(draws), rows(others), DRAWN).values()
    single = [{"seed": range(len(each)), "pooled, max": each} for each in (draws, others)]
    (expected,) = moved(*single, DRAWN).values()
    assert column.share == pytest.approx(expected.share)
    assert column.allowed == pytest.approx(expected.allowed)


def test_draws_that_gave_nothing_are_left_out():
    old = {"seed": [0, 1, 2], "pooled, max": [1.0, math.nan, 3.0]}
    new = {"seed": [0, 1, 2], "pooled, max": [1.0, 2.0, 3.5]}
    (column,) = moved(old, new, DRAWN).values()
    assert (column.old, column.status) == (2.0, "within")
    none = {"seed": [0, 1, 2], "pooled, max": [math.nan] * 3}
    assert moved(none, none, DRAWN) == {}
    assert moved(old, none, DRAWN)["pooled, max"].status == "beyond"


def test_groups_may_stand_in_another_order():
    old = {"net": ["a", "a", "b", "b"], "seed": [0, 1, 0, 1], "pooled, max": [1.0, 1.1, 5.0, 5.1]}
    new = {"net": ["b", "b", "a", "a"], "seed": [0, 1, 0, 1], "pooled, max": [5.0, 5.1, 1.0, 1.2]}
    assert moved(old, new, DRAWN)["pooled, max"].status == "within"


def test_the_mean_of_draws_stands_under_a_factor():
    rules = {**DRAWN, "seconds": {"factor": 2.0}}
    old = {"seed": [0, 1], "pooled, max": [1.0, 1.0], "seconds": [1.0, 3.0]}
    new = {"seed": [0, 1, 2], "pooled, max": [1.0] * 3, "seconds": [0.5, 1.0, 2.0]}
    (column,) = moved(old, new, rules).values()
    assert (column.old, column.status) == (2.0, "within")
    assert column.new == pytest.approx(3.5 / 3)


@pytest.mark.parametrize("new, status", [(0.839, "within"), (0.841, "beyond"), (0.761, "within")])
def test_ends_of_an_interval_by_hand(new, status):
    # Half-widths 0.03 and 0.04 on the facing sides: 0.05. At 99 % for one number: by 1.3142.
    # From 0.775 that is up to 0.8407.
    old = {"net": ["CNN"], "accuracy": [0.775], "low": [0.7], "high": [0.805]}
    new = {"net": ["CNN"], "accuracy": [new], "low": [new - 0.04], "high": [new + 0.1]}
    assert moved(old, new, ENDED)["accuracy"].status == status


def test_more_numbers_with_ends_have_wider_intervals():
    def both(count, by):
        zeros = np.zeros(count)
        return {"place": range(count), "accuracy": zeros + by, "low": zeros - 1, "high": zeros + 1}

    for count in (1, 2, 50):
        (column,) = moved(both(count, 0), both(count, 0.5), ENDED).values()
        wider = stats.norm.ppf(1 - 0.005 / count) / stats.norm.ppf(0.975)
        assert column.allowed[1] == pytest.approx(wider * math.hypot(1, 1.5))


def test_what_stands_under_a_factor_does_not_widen_the_other_intervals():
    old = {"accuracy": [0.5], "low": [0.4], "high": [0.6], "seconds": [1.0]}
    new = {**old, "accuracy": [0.55]}
    alone = moved(old, new, ENDED)["accuracy"]
    beside = moved(old, new, {**ENDED, "seconds": {"factor": 3.0}})["accuracy"]
    assert beside == alone


def test_a_number_without_its_ends_may_not_move():
    old = {"accuracy": [0.5], "low": [0.4], "high": [0.6]}
    new = {"accuracy": [0.51], "low": [math.nan], "high": [math.nan]}
    assert moved(old, new, ENDED)["accuracy"].status == "beyond"
    assert moved(old, {**new, "accuracy": [0.5]}, ENDED) == {}


@pytest.mark.parametrize(
    "now, status", [(3.0, "within"), (1 / 3, "within"), (3.1, "beyond"), (0.3, "beyond")]
)
def test_a_factor(now, status):
    rules = {"seconds": {"factor": 3.0}}
    found = moved({"seconds": [1.0, 2.0]}, {"seconds": [now, 2.0]}, rules)["seconds"]
    assert (found.status, found.allowed, found.row) == (status, (1 / 3, 3), {"#": "1"})


def test_columns_without_a_rule_may_not_move():
    old = {"net": ["a", "b"], "weights": [10, 20], "seconds": [1.0, 2.0]}
    new = {"net": ["a", "b"], "weights": [10, 21], "seconds": [1.1, 2.0]}
    found = moved(old, new, {"seconds": {"factor": 3.0}})
    weights = found["weights"]
    assert (weights.status, weights.old, weights.new) == ("beyond", 20, 21)
    assert (weights.row, weights.allowed, weights.rule) == ({"net": "b"}, (20, 20), None)
    assert found["seconds"].status == "within"


def test_the_largest_change_of_an_exact_column_is_told():
    old = {"x": [1, 2, 3], "y": [1.0, 1.0, 1.0]}
    new = {"x": [1, 2, 3], "y": [1.1, 3.0, 0.9]}
    (column,) = moved(old, new, {}).values()
    assert (column.beyond, column.row, column.new) == (3, {"x": "2"}, 3.0)


def test_a_text_that_changed_is_told_as_it_is():
    found = moved({"x": [1, 2], "output": ["ax", "ay"]}, {"x": [1, 2], "output": ["ax", "9"]}, {})
    column = found["output"]
    assert (column.old, column.new, column.allowed) == ("ay", "9", None)


def test_a_named_row_that_became_another_is_beyond_its_interval():
    old = {"net": ["a", "b"], "seconds": [1.0, 2.0]}
    new = {"net": ["a", "c"], "seconds": [1.0, 2.0]}
    assert moved(old, new, {"seconds": {"factor": 3.0}})["net"].status == "beyond"


def test_other_columns_or_rows_are_told():
    old = {"net": ["a", "b"], "pooled, max": [1.0, 2.0]}
    told = unlike(old, {"net": ["a", "b"], "pooled, mean": [1.0, 2.0]}, {})
    assert "pooled, max" in told
    assert "pooled, mean" in told
    told = unlike(old, {"net": ["a", "b", "novel"], "pooled, max": [1.0, 2.0, 2.0]}, {})
    assert "novel" in told
    drawn = {"seed": [0, 0], **old}
    assert "b" in unlike(drawn, {"net": ["a"], "seed": [0], "pooled, max": [1.0]}, DRAWN)
    many = {"net": list("abcdefgh"), "pooled, max": range(8)}
    assert "f" not in unlike(old, many, {}).split("new")[1].split("others")[0]
    assert unlike({"x": [1, 1]}, {"x": [1, 1, 1]}, {})


def test_text_under_a_rule_is_refused():
    with pytest.raises(ValueError, match=r"'seconds'.*'fast'"):
        moved({"seconds": ["1"]}, {"seconds": ["fast"]}, {"seconds": {"factor": 3.0}})


@pytest.mark.parametrize("content", [b"", b"a,b\n1\n", b"a\n\xff\n", b'a\n"1\n', b"a,a\n1,2\n"])
def test_a_file_that_is_no_table_is_refused(content):
    with pytest.raises(ValueError, match=r"blur\.csv"):
        read_columns(content, "blur.csv")


@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), min_size=1),
        st.lists(
            st.sampled_from(["1", "a, b", 'say "a"', "two\nlines", "é"]), min_size=2, max_size=2
        ),
        min_size=1,
    )
)
def test_a_table_is_read_as_it_was_written(data):
    assert {name: list(cells) for name, cells in table(data).items()} == data
