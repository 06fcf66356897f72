"""Undersampling and nested subsets, over random pools."""

from collections import Counter
from itertools import pairwise
from statistics import mean, pstdev

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tatara.data.quality import quality_rows
from tatara.data.subsets import nested_subsets, rebalance
from tatara.job.errors import InputError

# Raw counts per relation type, paper §4.2.
PAPER = {
    "HAS_CHAPTER": 1365,
    "DESCRIBED_IN": 676,
    "HAS_SECTION": 648,
    "HAS_ITEM": 501,
    "DEFINED_IN": 452,
    "SUBJECT_TO": 436,
    "USED_IN": 408,
    "REQUIRES": 402,
    "AFFECTS": 301,
    "MITIGATES": 280,
    "PRECEDES": 109,
}


def make_pool(counts: dict[str, int]) -> list[dict]:
    return [
        {
            "id": f"{type_}-{i}",
            "question": "問" * (10 + i % 5),
            "answer": "答" * (350 + i % 50),
            "relation_type": type_,
            "version": f"v{1 + i % 4}",
            "intent": ("what", "why", "how")[i % 3],
            "category": f"c{i % 3}",
        }
        for type_, count in counts.items()
        for i in range(count)
    ]


def ids(rows):
    return [row["id"] for row in rows]


pools = st.dictionaries(st.sampled_from("ABCDEFGHIJK"), st.integers(1, 60), min_size=1).map(make_pool)


@st.composite
def pools_with_sizes(draw):
    pool = draw(pools)
    return pool, draw(st.lists(st.integers(1, len(pool)), min_size=1, max_size=6, unique=True))


@settings(max_examples=60, deadline=None)
@given(pools_with_sizes(), st.integers(0, 3))
def test_subsets_are_nested_stratified_and_decided_by_the_seed(case, seed):
    pool, sizes = case
    subsets = nested_subsets(pool, sizes, seed)
    assert [len(subsets[n]) for n in sizes] == sizes
    counts = Counter(row["relation_type"] for row in pool)
    for n, rows in subsets.items():
        assert len(set(ids(rows))) == n
        got = Counter(row["relation_type"] for row in rows)
        for type_, count in counts.items():
            # Rounding by Sainte-Laguë's method: half a pair for the type, and its part of the half pairs of all others.
            assert abs(got[type_] - n * count / len(pool)) <= 0.5 + 0.5 * len(counts) * count / len(pool) + 1e-9 + (
                len(counts) > 1
            )
    ordered = sorted(subsets)
    for small, large in pairwise(ordered):
        assert set(ids(subsets[small])) < set(ids(subsets[large]))
    assert nested_subsets(list(reversed(pool)), sizes, seed) == subsets
    for n in sizes:
        assert nested_subsets(pool, [n], seed)[n] == subsets[n], (
            "a subset must not depend on which other sizes are asked for"
        )


@settings(max_examples=40, deadline=None)
@given(pools, st.integers(0, 3), st.data())
def test_rebalancing_keeps_the_wanted_part_and_nothing_else_changes(pool, seed, data):
    counts = Counter(row["relation_type"] for row in pool)
    retain = data.draw(st.dictionaries(st.sampled_from(sorted(counts)), st.integers(0, 100).map(lambda p: p / 100)))
    kept = rebalance(pool, retain, None, seed)
    got = Counter(row["relation_type"] for row in kept)
    for type_, count in counts.items():
        assert abs(got[type_] - retain.get(type_, 1) * count) <= 0.5 + 1e-9
    assert ids(kept) == [key for key in ids(pool) if key in set(ids(kept))]
    assert rebalance(pool, retain, None, seed) == kept


def test_the_papers_undersampling_and_subsets():
    pool = rebalance(make_pool(PAPER), {"HAS_CHAPTER": 0.7}, None, 42)
    counts = Counter(row["relation_type"] for row in pool)
    assert counts["HAS_CHAPTER"] == 956 and len(pool) == 5169
    for sizes in ([1000, 2000, 3000, 4000, 5000], [700, 1500, 5169], [1234, 2345, 3456]):
        subsets = nested_subsets(pool, sizes, 42)
        for type_ in PAPER:
            shares = [sum(row["relation_type"] == type_ for row in rows) / n for n, rows in subsets.items()]
            assert pstdev(shares) / mean(shares) < 0.03
    kept = [row for row in pool if row["relation_type"] == "HAS_CHAPTER"]
    assert {row["version"] for row in kept} == {"v1", "v2", "v3", "v4"}
    assert Counter(row["version"] for row in kept).most_common()[-1][1] > 230


def test_several_shares_are_solved_together():
    pool = rebalance(make_pool(PAPER), None, {"HAS_CHAPTER": 0.171, "DESCRIBED_IN": 0.1}, 42)
    counts = Counter(row["relation_type"] for row in pool)
    assert counts["HAS_CHAPTER"] / len(pool) == pytest.approx(0.171, abs=2e-4)
    assert counts["DESCRIBED_IN"] / len(pool) == pytest.approx(0.1, abs=2e-4)
    assert all(counts[type_] == count for type_, count in PAPER.items() if type_ not in ("HAS_CHAPTER", "DESCRIBED_IN"))
    both = rebalance(make_pool({"A": 30, "B": 10}), None, {"A": 0.5, "B": 0.5}, 0)
    assert Counter(row["relation_type"] for row in both) == {"A": 10, "B": 10}


@pytest.mark.parametrize(
    ("retain", "target_share", "expected"),
    [
        (
            {"HAS_CHAPTR": 0.7},
            None,
            "rebalance.retain.HAS_CHAPTR: no QA pair has this relation type; did you mean HAS_CHAPTER?",
        ),
        ({"HAS_CHAPTER": 1.2}, None, "rebalance.retain.HAS_CHAPTER: expected a number from 0 to 1, found 1.2"),
        ({"PRECEDES": 0.5}, {"PRECEDES": 0.01}, "PRECEDES stands in retain and in target_share"),
        (None, {"PRECEDES": 0.5}, "rebalance.target_share.PRECEDES: 0.5 asks for"),
        (None, {"PRECEDES": 0.5, "REQUIRES": 0.5}, "the shares add up to 1.0; expected less than 1"),
    ],
)
def test_impossible_rebalancing_names_the_key(retain, target_share, expected):
    with pytest.raises(InputError) as error:
        rebalance(make_pool(PAPER), retain, target_share, 42)
    assert expected in str(error.value)


def test_sizes_that_cannot_be_had_are_refused():
    pool = make_pool({"A": 30, "B": 10})
    with pytest.raises(InputError, match=r"subsets\.sizes: 50 is larger than the pool, which has 40 pairs"):
        nested_subsets(pool, [10, 50], 1)
    with pytest.raises(InputError, match=r"subsets\.sizes: 0 is not a positive whole number"):
        nested_subsets(pool, [0, 10], 1)


def test_quality_table_describes_each_subset():
    subsets = nested_subsets(make_pool({"A": 30, "B": 10}), [8, 40], 1)
    rows = {(row["n"], row["metric"], row["key"]): row["value"] for row in quality_rows(subsets, [], ["短いです。"])}
    assert rows[8, "relation_share", "A"] == rows[40, "relation_share", "A"] == 0.75
    assert sum(
        value for (n, metric, _), value in rows.items() if (n, metric) == (40, "category_share")
    ) == pytest.approx(1)
    lengths = [len(row["answer"]) for row in subsets[8]]
    assert rows[8, "answer_chars_mean", ""] == pytest.approx(mean(lengths))
    assert rows[40, "question_chars_mean", ""] == pytest.approx(mean(len(row["question"]) for row in subsets[40]))
