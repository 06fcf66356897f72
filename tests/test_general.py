"""General pairs: mixed into training so that the domain does not crowd out everything else."""

import json

import pytest
import tiny_models
import yaml
from pipeline_copy import REPOSITORY
from tatara.data.general import load_general
from tatara.files.config import check_config
from tatara.files.jsonl import write_jsonl
from tatara.job.errors import InputError
from tatara.train.samples import share_of

GENERAL = [
    {"id": f"g{n}", "question": f"{n}月の花は何ですか。", "answer": f"{n}月には庭の花が咲きます。"} for n in range(1, 6)
]


@pytest.mark.parametrize(("share", "others", "expected"), [(0.1, 90, 10), (0.5, 3, 3), (0.0, 9, 0), (0.02, 10, 0)])
def test_general_pairs_are_their_share_of_all_samples(share, others, expected):
    assert len(share_of(GENERAL, share, others)) == expected


def test_general_pairs_are_taken_in_order_and_again_where_they_are_too_few():
    assert [pair["id"] for pair in share_of(GENERAL, 0.5, 7)] == ["g1", "g2", "g3", "g4", "g5", "g1", "g2"]


def test_they_are_trained_beside_the_subset(tmp_path):
    base = tiny_models.make_base(tmp_path / "base", "llama3")
    alone = tiny_models.train(tmp_path / "alone", base)
    mixed = tiny_models.train(tmp_path / "mixed", base, settings={"general_share": 0.5}, general=GENERAL)
    assert (alone["n"], alone["general_pairs"]) == (len(tiny_models.PAIRS), 0)
    assert (mixed["n"], mixed["general_pairs"]) == (len(tiny_models.PAIRS), len(tiny_models.PAIRS))
    assert (len(alone["steps"]), len(mixed["steps"])) == (6, 10)  # of four samples, two epochs


def test_the_shipped_pairs_are_read():
    pairs = load_general(REPOSITORY / "resources/general/pairs.jsonl")
    assert len(pairs) >= 100 and all(pair["answer"].endswith("。") for pair in pairs)


def test_bad_pairs_are_named_with_their_line(tmp_path):
    path = tmp_path / "general.jsonl"
    rows = [*GENERAL[:1], {"id": "g1", "question": "別の問い", "answer": "はい。"}, {"id": "x", "question": "問い"}]
    write_jsonl(path, [*rows, {"id": "y", "question": "もう一つ", "answer": "<|im_end|>です。"}])
    with pytest.raises(InputError) as error:
        load_general(path)
    message = str(error.value)
    assert f"{path}:2: this id stands already in {path}:1" in message and f"{path}:3: " in message
    path.write_text(json.dumps({"id": "y", "question": "もう一つ", "answer": "<|im_end|>です。"}), encoding="utf-8")
    with pytest.raises(InputError, match=r"general\.jsonl:1: answer holds <\|im_end\|>, a control token"):
        load_general(path)


def test_a_share_without_pairs_is_refused():
    config = yaml.safe_load((REPOSITORY / "config/smoke.yaml").read_text(encoding="utf-8"))
    config["train"] = {"general_share": 0.1}
    with pytest.raises(InputError, match=r"train\.general_share is 0\.1, and train\.general_pairs names no file"):
        check_config(config, REPOSITORY)
