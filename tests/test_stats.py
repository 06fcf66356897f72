"""Intervals and tests against hand-computed cases, scipy and published values."""

import itertools
import math

import numpy
import pytest
from scipy import stats as scipy_stats
from statsmodels.stats import multitest
from tatara.measure.stats import (
    Ratio,
    Resampling,
    bootstrap_mean,
    bootstrap_ratio,
    holm,
    mcnemar,
    mean_of,
    paired_difference,
    permutation_test,
    proportion,
    ratio_standard_error,
    smallest_difference,
)

HOW = Resampling(42)


def test_bootstrap_of_two_values_by_hand():
    # Resamples of {0, 1} have the mean 0, 1/2 or 1 with chances 1/4, 1/2 and 1/4.
    wide, narrow = (bootstrap_mean([0.0, 1.0], Resampling(1, level=level)) for level in (0.95, 0.4))
    assert (wide.value, wide.low, wide.high) == (0.5, 0.0, 1.0)
    assert (narrow.low, narrow.high) == (0.5, 0.5)


def test_bootstrap_agrees_with_the_normal_interval_where_that_holds():
    values = numpy.random.default_rng(3).normal(2.0, 0.44, size=400)
    estimate, error = bootstrap_mean(values, HOW), values.std() / 20
    assert estimate.low == pytest.approx(values.mean() - 1.96 * error, abs=0.05 * error * 2)
    assert estimate.high == pytest.approx(values.mean() + 1.96 * error, abs=0.05 * error * 2)


def test_a_seed_decides_the_interval():
    values = numpy.random.default_rng(3).normal(size=50)
    assert bootstrap_mean(values, Resampling(7)) == bootstrap_mean(values, Resampling(7))
    assert bootstrap_mean(values, Resampling(7)) != bootstrap_mean(values, Resampling(8))


def test_a_ratio_is_a_sum_over_a_sum_and_its_interval_has_the_linearised_width():
    rng = numpy.random.default_rng(5)
    tokens = rng.integers(20, 200, size=300)
    nats = tokens * rng.normal(1.3, 0.3, size=300)
    estimate = bootstrap_ratio(nats, tokens, HOW)
    assert estimate.value == pytest.approx(nats.sum() / tokens.sum())
    assert estimate.value != pytest.approx((nats / tokens).mean(), abs=1e-4)
    assert (estimate.high - estimate.low) / (2 * 1.96) == pytest.approx(ratio_standard_error(nats, tokens), rel=0.06)


def test_the_standard_error_of_a_mean():
    values = [1.0, 2.0, 4.0, 8.0, 3.5]
    assert ratio_standard_error(*mean_of(values)) == pytest.approx(scipy_stats.sem(values))
    assert ratio_standard_error([3.0], [2.0]) == 0.0


def test_pairing_takes_the_difficulty_of_the_questions_out():
    tokens = numpy.full(60, 50.0)
    nats = tokens * numpy.random.default_rng(2).uniform(0.5, 2.5, size=60)
    alone = bootstrap_ratio(nats, tokens, HOW)
    paired = paired_difference(Ratio(nats - 0.01 * tokens, tokens), Ratio(nats, tokens), HOW)
    assert alone.high - alone.low > 0.2
    assert paired.value == pytest.approx(-0.01) and paired.high - paired.low < 1e-9


def test_ratios_with_different_denominators_are_compared():
    # 10/10 and 30/10 against 4/4 and 6/4: 2.0 less 1.25.
    estimate = paired_difference(Ratio([10, 30], [10, 10]), Ratio([4, 6], [4, 4]), HOW)
    assert estimate.value == pytest.approx(0.75)


def test_permutations_of_three_differences_by_hand():
    # Signs of +1, +2, +3: the sum is as far from 0 as 6 in 2 of 8 ways.
    assert permutation_test(mean_of([2, 4, 6]), mean_of([1, 2, 3]), HOW) == pytest.approx(0.25)
    assert permutation_test(mean_of([1, 2, 3]), mean_of([1, 2, 3]), HOW) == 1.0


def test_permutations_of_ratios_against_every_exchange():
    rng = numpy.random.default_rng(11)
    a, c, b, d = (
        rng.uniform(1, 5, 7),
        rng.uniform(1, 5, 7),
        rng.integers(2, 9, 7).astype(float),
        rng.integers(2, 9, 7).astype(float),
    )
    observed, count = abs(a.sum() / b.sum() - c.sum() / d.sum()), 0
    for mask in itertools.product([False, True], repeat=7):
        one = numpy.where(mask, c, a).sum() / numpy.where(mask, d, b).sum()
        other = numpy.where(mask, a, c).sum() / numpy.where(mask, b, d).sum()
        count += abs(one - other) >= observed - 1e-12
    assert permutation_test(Ratio(a, b), Ratio(c, d), HOW) == pytest.approx(count / 2**7)


@pytest.mark.parametrize("count", [10, 60])
def test_permutations_agree_with_scipy(count):
    rng = numpy.random.default_rng(count)
    one, other = rng.normal(0.25, 1, count), rng.normal(0, 1, count)
    expected = scipy_stats.permutation_test(
        (one, other),
        lambda x, y, axis: (x - y).mean(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=numpy.random.default_rng(1),
    ).pvalue
    assert permutation_test(mean_of(one), mean_of(other), HOW) == pytest.approx(
        expected, abs=1e-12 if count == 10 else 0.012
    )


def test_equal_models_are_called_different_no_more_often_than_the_level_says():
    rng = numpy.random.default_rng(9)
    p_values = [
        permutation_test(mean_of(rng.normal(size=30)), mean_of(rng.normal(size=30)), Resampling(trial, 999))
        for trial in range(400)
    ]
    assert 0.02 < numpy.mean(numpy.array(p_values) <= 0.05) < 0.08


def test_a_p_value_is_never_zero():
    assert permutation_test(mean_of(numpy.arange(100) + 5.0), mean_of(numpy.arange(100.0)), HOW) == pytest.approx(
        1 / 10_001
    )


def test_the_papers_size_of_effect():
    # Table 5: +0.010 on 100 questions is noise, -0.280 is not. The paper gives how often each score came; the pairs are
    # in order of score.
    full, quantized = [3] * 84 + [2] * 15 + [0], [3] * 86 + [2] * 12 + [1] + [0]
    assert permutation_test(mean_of(quantized), mean_of(full), HOW) > 0.5
    full, quantized = [3] * 49 + [2] * 45 + [1] * 5 + [0], [3] * 30 + [2] * 58 + [1] * 8 + [0] * 4
    assert (sum(quantized) - sum(full)) / 100 == pytest.approx(-0.28)
    assert permutation_test(mean_of(quantized), mean_of(full), HOW) < 0.001


def test_wilson_intervals_as_published():
    # Newcombe 1998, Table I, method 3: 81 of 263; 0 of 20; 29 of 29.
    for successes, total, low, high in ((81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (29, 29, 0.8830, 1.0)):
        estimate = proportion(successes, total, 0.95)
        assert (estimate.low, estimate.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_holm_is_that_of_statsmodels():
    for p_values in numpy.random.default_rng(1).random((8, 7)).round(1):  # with ties
        assert holm(p_values) == pytest.approx(multitest.multipletests(p_values, method="holm")[1].tolist())


def test_one_question_gives_no_interval():
    estimate = bootstrap_mean([2.0], HOW)
    assert estimate.value == 2.0 and numpy.isnan(estimate.low) and numpy.isnan(estimate.high)


@pytest.mark.parametrize(("values", "others"), [([], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, float("nan")], [1.0, 1.0])])
def test_what_cannot_be_compared_is_refused(values, others):
    with pytest.raises(ValueError, match=r"expected at least one question|not finite"):
        bootstrap_ratio(values, others, HOW)


def test_of_no_question_nothing_is_known():
    none, one = Ratio([], []), Ratio([1.0], [2.0])
    assert all(math.isnan(value) for value in vars(bootstrap_ratio(*none, HOW)).values())
    assert all(math.isnan(value) for value in vars(paired_difference(none, none, HOW)).values())
    assert math.isnan(permutation_test(none, none, HOW))
    with pytest.raises(ValueError, match="expected at least one question"):
        paired_difference(none, one, HOW)
    # A test that could not be made is none of the family.
    adjusted = holm([0.01, math.nan, 0.04])
    assert adjusted[::2] == pytest.approx([0.02, 0.04]) and math.isnan(adjusted[1])


def test_mcnemar_is_the_exact_binomial_test_of_the_questions_that_differ():
    # 8 questions only the one side has right, 2 only the other: 2 x P(X <= 2 | 10, 1/2) = 2 x (1 + 10 + 45) / 1024.
    one, other = [True] * 8 + [False] * 2 + [True] * 5, [False] * 8 + [True] * 2 + [True] * 5
    assert mcnemar(one, other) == pytest.approx(112 / 1024)
    assert mcnemar(one, one) == 1.0
    with pytest.raises(ValueError, match="as many values on each side"):
        mcnemar([True], [True, False])


def test_smallest_difference_that_100_questions_show():
    # Differences of +1 and -1 in equal parts: SD 1 (times sqrt(100/99)), so (1.959964 + 0.841621) / 10 x that.
    assert smallest_difference([1.0, -1.0] * 50, 0.95) == pytest.approx(2.801585 / 10 * (100 / 99) ** 0.5, rel=1e-6)
    assert smallest_difference([1.0, -1.0] * 200, 0.95) == pytest.approx(2.801585 / 20 * (400 / 399) ** 0.5, rel=1e-6)
    assert math.isnan(smallest_difference([1.0], 0.95)) and math.isnan(smallest_difference([0.0] * 100, 0.95))
    # What the formula promises is what a test then finds: of 4,000 samples of 100 questions with that mean and SD 1,
    # four in five are significant.
    shown = numpy.random.default_rng(1).normal(2.801585 / 10, 1.0, size=(4000, 100))
    significant = abs(shown.mean(axis=1) / (shown.std(axis=1, ddof=1) / 10)) > 1.96
    assert 0.77 < significant.mean() < 0.83
