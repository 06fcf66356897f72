"""Options of the probe: no text is right more often than chance, whatever the graph looks like."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from tatara.data.balanced import OPTIONS, balanced_options


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), max_size=120), st.integers(0, 9), st.integers(2, 12))
def test_every_text_is_wrong_three_times_as_often_as_it_is_right(right, seed, every):
    def forbidden(item: int, text: int) -> bool:
        return (31 * item + text) % every == 0

    chosen = balanced_options(right, forbidden, seed)
    wrong = Counter(text for texts in chosen.values() for text in texts)
    assert wrong == {text: (OPTIONS - 1) * n for text, n in Counter(right[item] for item in chosen).items()}
    for item, texts in chosen.items():
        assert len({right[item], *texts}) == OPTIONS
        assert not any(forbidden(item, text) for text in texts)
    assert chosen == balanced_options(right, forbidden, seed)


def test_items_are_given_up_only_where_they_must_be():
    assert len(balanced_options([n % 40 for n in range(400)], lambda item, text: False, 1)) == 400
    assert len(balanced_options(list("aaaabbcd"), lambda item, text: False, 1)) <= 4, (
        "a text right in half of the items"
    )
    assert balanced_options(list("abc"), lambda item, text: False, 1) == {}
