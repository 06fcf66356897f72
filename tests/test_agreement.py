"""Agreement of judges, against published examples, cases worked by hand, and the labelled answers."""

import csv
import itertools
import math
from dataclasses import astuple
from itertools import pairwise

import numpy
import pandas
import pytest
from pipeline_copy import REPOSITORY
from tatara.evaluate import judge_file
from tatara.evaluate.rubric import rubric
from tatara.files.jsonl import read_jsonl
from tatara.measure.agreement import agreement, alpha, intervals, raw, weighted_kappa, write_agreement
from tatara.measure.stats import Interval, Resampling


def _labelled(split: str) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Return labels, the rubric's scores and question ids of a part of the labelled answers."""
    known = {row["id"]: row for row in read_jsonl(REPOSITORY / "resources/testset/test_set_200.jsonl")}
    rows = [row for row in read_jsonl(REPOSITORY / "tests/data/judged_answers.jsonl") if row["split"] == split]
    scores = [rubric(row["answer"], known[row["id"]]["facts"], known[row["id"]]["citations"]).score for row in rows]
    return numpy.array([row["score"] for row in rows]), numpy.array(scores), numpy.array([row["id"] for row in rows])


def test_the_rubric_agrees_with_labels_that_it_was_not_tuned_on():
    labels, scores, questions = _labelled("held_out")
    assert len(labels) >= 40 and set(labels) == {0, 1, 2, 3}
    assert weighted_kappa(labels, scores) >= 0.8
    kappa = intervals(labels, scores, questions, Resampling(1, 500))["kappa"]
    assert kappa.low < kappa.value < kappa.high <= 1


def test_the_labelled_answers_hold_all_levels_and_their_halves_share_no_question():
    tune, held_out = _labelled("tune"), _labelled("held_out")
    assert len(tune[0]) + len(held_out[0]) >= 80
    assert not set(tune[2]) & set(held_out[2])
    for labels, *_ in (tune, held_out):
        assert min(numpy.bincount(labels, minlength=4)) >= 10


def test_weighted_kappa_of_a_case_worked_by_hand():
    # Squared distances: 0, 0, 1, 1 of pairs (0,0) (1,1) (2,1) (3,2); mean 0.5. By chance, over all pairs of the margins
    # {0,1,2,3} and {0,1,1,2}: (0+1+1+4 + 1+0+0+1 + 4+1+1+0 + 9+4+4+1) / 16 = 2. Kappa = 1 - 0.5 / 2.
    assert weighted_kappa(numpy.array([0, 1, 2, 3]), numpy.array([0, 1, 1, 2])) == pytest.approx(0.75)


def test_alpha_of_the_published_example():
    """Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, example D: interval data, 0.849.

    Four observers, with missing values.
    """
    nan = numpy.nan
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
    assert alpha(*map(numpy.array, observers)) == pytest.approx(0.849, abs=0.0005)


def test_alpha_of_three_coders_with_many_missing_values():
    """The example of the article "Krippendorff's alpha" of Wikipedia: interval data, 15 units, 0.811.

    Units 1, 2 and 14 have fewer than two values and do not count.
    """
    coders = ("*****34121133*3", "1*213343*******", "**21344*21133*4")
    values = [numpy.array([numpy.nan if letter == "*" else float(letter) for letter in coder]) for coder in coders]
    assert alpha(*values) == pytest.approx(0.811, abs=0.0005)


def _alpha_by_definition(table: numpy.ndarray) -> float:
    """Return 1 - observed / expected disagreement from all pairs of values, as Krippendorff (2011) defines them."""
    units = [column[~numpy.isnan(column)] for column in table.T]
    units = [values for values in units if len(values) > 1]
    every = numpy.concatenate(units)
    observed = sum(
        sum((a - b) ** 2 for a, b in itertools.permutations(values, 2)) / (len(values) - 1) for values in units
    ) / len(every)
    expected = sum((a - b) ** 2 for a, b in itertools.permutations(every, 2)) / (len(every) * (len(every) - 1))
    return 1 - observed / expected


@pytest.mark.parametrize("raters", [2, 3, 5])
def test_alpha_is_one_less_observed_over_expected_disagreement(raters):
    generator = numpy.random.default_rng(raters)
    table = generator.integers(0, 4, (raters, 30)).astype(float)
    table[generator.random(table.shape) < 0.3] = numpy.nan
    assert alpha(*table) == pytest.approx(_alpha_by_definition(table), rel=1e-12)


def test_scores_without_variation_have_no_kappa_and_full_raw_agreement():
    same = numpy.zeros(5, dtype=int)
    assert numpy.isnan(weighted_kappa(same, same)) and numpy.isnan(alpha(same, same)) and raw(same, same) == 1
    measures = intervals(same, same, numpy.arange(5), Resampling(1, 50))
    assert all(map(math.isnan, astuple(measures["kappa"]))) and measures["raw"] == Interval(1, 1, 1)


def _scores(judge: str, repeat: int, values: list) -> pandas.DataFrame:
    rows = [
        {"item": f"m q{number}", "id": f"q{number}", "judge": judge, "repeat": repeat, "score": value}
        for number, value in enumerate(values)
    ]
    return pandas.DataFrame(rows)


def test_judges_are_compared_by_their_median_and_repeats_with_each_other_and_invalid_scores_are_counted():
    nan = float("nan")
    scores = pandas.concat(
        [
            _scores("rubric", 1, [0, 1, 2, 3]),
            _scores("llm", 1, [0, 1, 3, nan]),
            _scores("llm", 2, [0, 2, 3, nan]),
            _scores("llm", 3, [0, 1, 0, 3]),
        ]
    )
    rows = agreement(scores, Resampling(1, 20))
    assert [(row["comparison"], row["one"], row["other"], row["items"], row["invalid"]) for row in rows] == [
        ("repeats", "llm 1", "llm 2", 3, 1),
        ("repeats", "llm 1", "llm 3", 3, 1),
        ("repeats", "llm 2", "llm 3", 3, 1),
        ("judges", "rubric", "llm", 4, 0),
    ]
    assert rows[-1]["raw"] == 0.75  # medians 0, 1, 3, 3


def test_one_judge_leaves_the_table_without_a_row(tmp_path):
    given = {"id": "q001", "question": "いつ点検するか。", "category": "設計", "answer": "あ", "seconds": "1.0"}
    judge_file.write_scores(tmp_path / "judge_swallow_f16.csv", "rubric", [(given, 1, 2, "x", "0" * 16)])
    write_agreement(
        [tmp_path / "judge_swallow_f16.csv"], output=tmp_path / "agreement.csv", seed=1, level=0.95, resamples=20
    )
    with (tmp_path / "agreement.csv").open() as file:
        assert list(csv.DictReader(file)) == []


def test_intervals_narrow_with_more_questions():
    generator = numpy.random.default_rng(3)
    widths = []
    for count in (40, 400):
        one = generator.integers(0, 4, count)
        other = numpy.clip(one + generator.integers(-1, 2, count), 0, 3)
        kappa = intervals(one, other, numpy.arange(count), Resampling(1, 200))["kappa"]
        widths.append(kappa.high - kappa.low)
    assert all(narrow < wide / 2 for wide, narrow in pairwise(widths))
