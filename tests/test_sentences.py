"""Where a sentence ends."""

import pytest
from tatara.files.sentences import sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("水門です。高さは1.5 mです！本当？", ["水門です。", "高さは1.5 mです！", "本当？"]),
        ("「開ける。」と言います。（第1章）", ["「開ける。」", "と言います。", "（第1章）"]),
        ("一つ\n二つ\n\n", ["一つ", "二つ"]),
        ('It is 1.5 m. "Why?" See example.org!', ["It is 1.5 m.", '"Why?"', "See example.org!"]),
        ("Without a stop", ["Without a stop"]),
        (" \n ", []),
        ("", []),
    ],
)
def test_a_stop_ends_a_sentence_of_either_script(text, expected):
    assert sentences(text) == expected
