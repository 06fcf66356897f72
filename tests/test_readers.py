"""Whatever a file holds, a reader returns or raises one InputError that names it; nothing that stands in a file is executed."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from readers import READERS, spoil
from tatara.errors import InputError


def read(name: str, path) -> None:
    """Read a spoilt file; only an InputError may come out, and it must say something."""
    try:
        READERS[name].read(path)
    except InputError as error:
        assert len(str(error)) > 20


@pytest.mark.parametrize("name", READERS)
def test_the_good_file_is_read(name, tmp_path):
    path = tmp_path / f"file{READERS[name].suffix}"
    path.write_bytes(READERS[name].good)
    READERS[name].read(path)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 5), st.integers(0, 255)), min_size=1, max_size=3))
def test_a_spoilt_file_is_read_or_refused(name, tmp_path, damage):
    path = tmp_path / f"file{READERS[name].suffix}"
    data = READERS[name].good
    for place, kind, what in damage:
        data = spoil(data, place, kind, what)
    path.write_bytes(data)
    read(name, path)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))))
def test_any_bytes_are_read_or_refused(name, tmp_path, data):
    path = tmp_path / f"file{READERS[name].suffix}"
    path.write_bytes(data)
    read(name, path)


@pytest.mark.parametrize("name", ["YAML", "schema", "templates", "configuration"])
def test_yaml_cannot_make_objects(name, tmp_path):
    path = tmp_path / "file.yaml"
    path.write_text(f"a: !!python/object/apply:os.system ['touch {tmp_path}/made']\n")
    with pytest.raises(InputError, match=r"file\.yaml:1: "):
        READERS[name].read(path)
    assert [file.name for file in tmp_path.iterdir()] == ["file.yaml"]


def test_a_judges_prompt_cannot_reach_into_python(tmp_path):
    path = tmp_path / "prompt.md"
    path.write_text("{{ question }} {{ answer }} {{ question.__class__.__mro__[1].__subclasses__() }}")
    with pytest.raises(InputError, match=r"prompt\.md"):
        READERS["judge's prompt"].read(path)


SCHEMA = "labels: {A: a}\nrelations: {R: {name: r, from: [%s], to: [A]}}\ncategories: {c: 1}\nvolume_category: {v: %s}\n"
TEMPLATE = "version: v1\nanswer_chars: {aim: 100, most: 200}\n"
ENTRY = "templates:\n- {id: a, relation: %s, intent: %s, questions: [堤防], answers: [堤防。]%s}\n"
# What the fuzz run found, cut down to what matters: reader, file, what is said.
FOUND = [
    ("schema", SCHEMA % ("[A]", "c"), r"relations\.R\.from: expected a list of labels"),
    ("schema", SCHEMA % ("A", "[c]"), r"volume_category\.v: unknown category"),
    ("configuration", "7: x\n", "unknown config key 7"),
    ("configuration", "null: x\nother: y\n", "unknown config key None"),
    ("judge's prompt", "{{ question }} {{ answer.strip(7) }}", r"file\.md: .*a judge's prompt may use"),
    ("judge's prompt", "{{ question % 7 }} {{ answer }}", r"file\.md: .*a judge's prompt may use"),
    ("judge's prompt", "{{ -question }} {{ answer }}", r"file\.md: .*a judge's prompt may use"),
    ("templates", TEMPLATE + "more: x\n" + ENTRY % ("USED_IN", "x", ""), "more: expected relation types"),
    ("templates", TEMPLATE + "more: {USED_IN: [null]}\n" + ENTRY % ("USED_IN", "x", ""), "more: USED_IN: expected a list"),
    ("templates", TEMPLATE + ENTRY % ("[USED_IN]", "x", ""), r"template a: unknown relation type \['USED_IN'\]"),
    ("templates", TEMPLATE + ENTRY % ("USED_IN", "[x]", ""), "template a: unknown intent"),
    ("templates", TEMPLATE + ENTRY % ("USED_IN", "x", ", needs: [[x]]"), "template a: needs: expected a list of slots"),
    ("judge file", READERS["judge file"].good.decode().replace(",設計,,", f",設計,{'9' * 400},"), "score: a number of more than 300 digits"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "text", "said"), FOUND)
def test_what_fuzzing_found_is_refused(name, text, said, tmp_path):
    path = tmp_path / f"file{READERS[name].suffix}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        READERS[name].read(path)
