"""Whatever a file holds, a reader returns or raises one InputError that names it; nothing that stands in a file is
executed.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pipeline_copy import REPOSITORY
from readers import READERS, spoil
from tatara.files.config import check_config
from tatara.files.strict_yaml import read_yaml
from tatara.job.errors import InputError


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
@given(
    damage=st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 5), st.integers(0, 255)), min_size=1, max_size=3)
)
def test_a_spoilt_file_is_read_or_refused(name, tmp_path, damage):
    path = tmp_path / f"file{READERS[name].suffix}"
    data = READERS[name].good
    for place, kind, what in damage:
        data = spoil(data, place, kind, what)
    path.write_bytes(data)
    read(name, path)


@pytest.mark.parametrize("name", READERS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.one_of(
        st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
    )
)
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


# What the fuzz run (tests/faults/fuzz.py) found to end in a traceback, cut down to the change that does it.
FOUND = [
    (
        "schema",
        b"to: [TechnicalConcept, RequirementType]",
        b"to: [&a [*a], RequirementType]",
        r"file\.yaml:\d+: .*recursive",
    ),
    (
        "schema",
        b"to: [TechnicalConcept, RequirementType]",
        b"to: [[a], RequirementType]",
        r"file\.yaml:\d+: key relations\.REQUIRES\.to\.0: \['a'\] is not of type 'string'",
    ),
    (
        "configuration of a second domain",
        b"layers: 1, ",
        b"layers: 1, -1, ",
        r"file\.yaml:\d+: -1 \(int\) cannot be a key",
    ),
    ("configuration", b"checkpoint_steps: 1", b"? ", r"file\.yaml:\d+: nothing \(NoneType\) cannot be a key"),
    ("configuration", b"  paper: true", b"? ", r"file\.yaml:\d+: nothing \(NoneType\) cannot be a key"),
    ("judge's prompt", b"answer.strip()", b"answer.strip(Infinity)", r"file\.md:27: strip arg must be None or str"),
    (
        "judge's prompt",
        b"{% if reference %}",
        b"{% if reference %reference %}",
        r"file\.md:11: not all arguments converted",
    ),
    ("judge's prompt", b"{% if reference %}", b"{% if- reference %}", r"file\.md:11: bad operand type"),
    ("templates", b"  any:\n", b"  any:{\n", r"file\.yaml:8: key more: .*not of type 'object'"),
    ("templates", b"relation: any", b"relation: &a [*a]", r"file\.yaml:\d+: .*recursive"),
    (
        "templates",
        b"relation: any",
        b"relation: {any: 1}",
        r"template generic-what: key relation: \{'any': 1\} is not",
    ),
    (
        "templates",
        "    - '{end<same.name}も".encode(),
        "    -\n    - '{end<same.name}も".encode(),
        r"key more\.any\.2: None is not of type 'string'",
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "said"), FOUND)
def test_what_the_fuzz_run_found_is_refused(name, old, new, said, tmp_path):
    path = tmp_path / f"file{READERS[name].suffix}"
    good = READERS[name].good
    assert old in good
    path.write_bytes(good.replace(old, new, 1))
    with pytest.raises(InputError, match=said):
        READERS[name].read(path)


@pytest.mark.parametrize("key", [None, -1, True])
def test_a_config_key_that_is_no_text_is_unknown(key):
    # Values of Snakemake's option --config come by another reader, with keys of any kind.
    config = read_yaml(REPOSITORY / "config/smoke.yaml")
    config["stage1"][key] = 1
    with pytest.raises(InputError, match=f"unknown config key stage1.{key}"):
        check_config(config, REPOSITORY)


def test_a_score_of_400_digits_is_no_score(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(READERS["judge file"].good.replace("設計,,".encode(), "設計,".encode() + b"9" * 400 + b","))
    assert READERS["judge file"].read(path)["score"].isna().tolist() == [False, True], "an invalid row has no score"
    path.write_bytes(READERS["judge file"].good.replace("設計,3,".encode(), "設計,".encode() + b"9" * 400 + b","))
    with pytest.raises(InputError, match=r"file\.csv:2: the score inf is not 0, 1, 2 or 3"):
        READERS["judge file"].read(path)
