"""Intervals and tests over questions. Every comparison is paired: both sides answered the same questions.

A ratio is a sum over a sum, such as NLL = sum of nats / sum of tokens; a mean is a ratio of denominators 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy
from scipy import stats
from statsmodels.stats import contingency_tables

POWER = 0.8


@dataclass(frozen=True)
class Resampling:
    """How questions are drawn for intervals and tests: the seed, how many times, and the confidence level."""

    seed: int
    resamples: int = 10_000
    level: float = 0.95


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence interval; `low` and `high` are NaN where one question alone allows none."""

    value: float
    low: float
    high: float


UNKNOWN = Interval(numpy.nan, numpy.nan, numpy.nan)


class Ratio(NamedTuple):
    """Numerators and denominators of a ratio, one of each a question."""

    numerators: Sequence[float]
    denominators: Sequence[float]

    @property
    def whole(self) -> float:
        """The ratio over all questions."""
        return sum(self.numerators) / sum(self.denominators)


def mean_of(values: Sequence[float]) -> Ratio:
    """Return a mean as a ratio."""
    return Ratio(values, [1.0] * len(values))


def interval_columns(name: str, interval: Interval) -> dict:
    """Return an interval as three columns."""
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _checked(*columns: Sequence[float]) -> list[numpy.ndarray]:
    """Return the columns as float arrays of one length.

    Raises:
        ValueError: no question, columns of different length, or a value that is not finite.
    """
    arrays = [numpy.asarray(column, dtype=float) for column in columns]
    if not arrays[0].size or len({array.shape for array in arrays}) > 1 or arrays[0].ndim != 1:
        raise ValueError(
            f"expected at least one question and as many values on each side, found {[array.shape for array in arrays]}"
        )
    if not all(numpy.isfinite(array).all() for array in arrays):
        raise ValueError("a value is not finite")
    return arrays


def _ratio(numerators, denominators, axis=-1):
    return numerators.sum(axis=axis) / denominators.sum(axis=axis)


def _ratio_difference(numerators, denominators, other_numerators, other_denominators, axis=-1):
    return _ratio(numerators, denominators, axis) - _ratio(other_numerators, other_denominators, axis)


def _bootstrap(columns: list[numpy.ndarray], statistic: Callable, resampling: Resampling) -> Interval:
    value = float(statistic(*columns))
    if columns[0].size == 1:
        return Interval(value, numpy.nan, numpy.nan)
    interval = stats.bootstrap(
        columns,
        statistic,
        paired=True,
        vectorized=True,
        n_resamples=resampling.resamples,
        confidence_level=resampling.level,
        method="percentile",
        rng=numpy.random.default_rng(resampling.seed),
    ).confidence_interval
    return Interval(value, float(interval.low), float(interval.high))


def bootstrap(values: Sequence[float], statistic: Callable, resampling: Resampling) -> Interval:
    """Return a statistic of the values, a function of an array and its axis, with its percentile bootstrap interval."""
    return _bootstrap(_checked(values), statistic, resampling)


def bootstrap_mean(values: Sequence[float], resampling: Resampling) -> Interval:
    """Return the mean with its percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13).

    Equal values give an interval of no width.
    """
    return bootstrap(values, lambda x, axis=-1: x.mean(axis=axis), resampling)


def bootstrap_ratio(numerators: Sequence[float], denominators: Sequence[float], resampling: Resampling) -> Interval:
    """Return sum(numerators) / sum(denominators) with its interval; numerator and denominator are drawn as one.

    Of no question nothing is known: all of it is NaN, here and in the two functions below.
    """
    if not len(numerators) and not len(denominators):
        return UNKNOWN
    return _bootstrap(_checked(numerators, denominators), _ratio, resampling)


def paired_difference(one: Ratio, other: Ratio, resampling: Resampling) -> Interval:
    """Return the first ratio less the other with its interval; item i of both belongs to the same question."""
    if not any(map(len, (*one, *other))):
        return UNKNOWN
    return _bootstrap(_checked(*one, *other), _ratio_difference, resampling)


def permutation_test(one: Ratio, other: Ratio, resampling: Resampling) -> float:
    """Return the two-sided p-value of the difference of two ratios by a paired permutation test.

    Under the null hypothesis the two sides of a question can change places. All 2^q exchanges are tried where that is
    no more than `resamples`; otherwise as many random ones, with the observed order counted among them (Phipson and
    Smyth 2010), so p is never 0. With equal denominators this is the sign-flip test of the differences.
    """
    if not any(map(len, (*one, *other))):
        return numpy.nan
    a, b, c, d = _checked(*one, *other)
    questions, resamples = a.size, resampling.resamples
    exact = 2**questions <= resamples
    if exact:
        swapped = (numpy.arange(2**questions)[:, None] >> numpy.arange(questions)) & 1
    else:
        swapped = numpy.random.default_rng(resampling.seed).integers(0, 2, size=(resamples, questions))
    swapped = swapped.astype(float)
    permuted = (a.sum() + swapped @ (c - a)) / (b.sum() + swapped @ (d - b))
    permuted -= (c.sum() + swapped @ (a - c)) / (d.sum() + swapped @ (b - d))
    observed = abs(_ratio_difference(a, b, c, d))
    # Sums in another order differ in their last bits: what is as large as the observed difference must count.
    tolerance = 1e-10 * max(observed, abs(_ratio(a, b)), abs(_ratio(c, d)))
    extreme = int((numpy.abs(permuted) >= observed - tolerance).sum())
    return extreme / len(swapped) if exact else (1 + extreme) / (resamples + 1)


def mcnemar(successes: Sequence[bool], other_successes: Sequence[bool]) -> float:
    """Return the exact two-sided p-value of McNemar's test that two sides succeed equally often (McNemar 1947).

    Args:
        successes, other_successes: of the same questions, in one order. Where they never differ, p is 1.
    """
    one, other = numpy.asarray(successes, dtype=bool), numpy.asarray(other_successes, dtype=bool)
    if one.shape != other.shape:
        raise ValueError(f"expected as many values on each side, found {one.shape} and {other.shape}")
    table = [[(one & other).sum(), (one & ~other).sum()], [(~one & other).sum(), (~one & ~other).sum()]]
    return float(contingency_tables.mcnemar(table, exact=True).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values adjusted for a family of tests by Holm's step-down method (Holm 1979), in the same order.

    NaN, of a test that could not be made, stays so and counts for nothing.
    """
    # Not by statsmodels, which collects garbage in every call: a third of the time of the tables' tests.
    adjusted = numpy.array(p_values, dtype=float)
    order = numpy.argsort(adjusted)[: (~numpy.isnan(adjusted)).sum()]  # NaN is sorted last
    steps = adjusted[order] * numpy.arange(len(order), 0, -1)
    adjusted[order] = numpy.minimum(numpy.maximum.accumulate(steps), 1)
    return adjusted.tolist()


def smallest_difference(differences: Sequence[float], level: float, power: float = POWER) -> float:
    """Return the smallest mean difference that a two-sided paired test at `level` shows with probability `power`.

    The normal approximation (z_{1-a/2} + z_power) x SD / sqrt(q) with the observed SD of the q differences (Cohen 1988,
    chapter 2). NaN for one question, and where all differences are equal: without variation they say nothing of what
    another sample would show.
    """
    (values,) = _checked(differences)
    if values.size == 1 or not values.std():
        return numpy.nan
    quantiles = stats.norm.ppf((1 + level) / 2) + stats.norm.ppf(power)
    return float(quantiles * values.std(ddof=1) / numpy.sqrt(values.size))


def proportion(successes: int, total: int, level: float) -> Interval:
    """Return a share of `total` with its Wilson score interval, which is sound at 0 and at 1 (Wilson 1927)."""
    interval = stats.binomtest(successes, total).proportion_ci(confidence_level=level, method="wilson")
    return Interval(successes / total, float(interval.low), float(interval.high))


def ratio_standard_error(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Return the linearised standard error of a ratio over questions (Cochran 1977, eq. 6.13); 0 for one question."""
    a, b = _checked(numerators, denominators)
    if a.size == 1:
        return 0.0
    residuals = a - _ratio(a, b) * b
    return float(numpy.sqrt(a.size / (a.size - 1) * (residuals**2).sum()) / b.sum())
