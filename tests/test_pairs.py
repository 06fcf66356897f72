"""QA pairs: faults in templates are named, the choice is seeded, and the pairs of the real graph read well."""

import re
from collections import Counter, defaultdict
from pathlib import Path
from statistics import mean

import pytest
from domain_small import FOLDER, TEMPLATES, changed, graph, schema, templates
from tatara.data.candidates import pair_id
from tatara.data.coverage import TAUGHT, coverage_rows
from tatara.data.graph_csv import load_graph
from tatara.data.left_out import UNTAUGHT_FACTS, LeftOut
from tatara.data.overlap import overlap
from tatara.data.pairs import make_pairs
from tatara.data.quality import polite, quality_rows
from tatara.data.schema import read_schema
from tatara.data.subsets import nested_subsets, rebalance
from tatara.data.templates import read_templates
from tatara.data.testset import load_testset
from tatara.files.config import read_config
from tatara.files.normalise import normalise
from tatara.job.errors import InputError

ROOT = Path(__file__).parent.parent


def test_pairs_of_the_small_graph():
    pairs = make_pairs(graph(), templates(), None, 1)
    first = pairs[0]
    assert first == {
        "id": pair_id(first["question"]),
        "question": "養蜂の手引きの「第1章 巣箱の管理」には何が書かれているか。",
        "answer": first["answer"],
        "relation_type": "CONTAINS",
        "version": "v1",
        "intent": "what",
        "template": "bee-contains-what",
        "start": "book",
        "end": "ch-1",
        "category": "養蜂",
        "facts": [],
    }
    assert re.fullmatch("[0-9a-f]{16}", first["id"])
    start = "養蜂の手引きの「第1章 巣箱の管理」の内容は次のとおりである。巣箱を開けて"
    assert first["answer"].startswith(start) and "求めている（養蜂の手引き 第1章 巣箱の管理）。" in first["answer"]
    assert "次の章は「第2章 病害虫への備え」である。" in pairs[1]["answer"] + first["answer"]
    # The generic template serves the types that have none of their own, and only those.
    assert {row["relation_type"] for row in pairs if row["template"] == "generic-why"} == {
        "COUNTERS",
        "USES",
        "COMES_BEFORE",
    }
    # Two wordings for 3 relations, and one where a next chapter exists; two each for the 5 and the 6 others.
    assert Counter(row["template"] for row in pairs) == {
        "bee-contains-what": 6,
        "bee-contains-how": 2,
        "bee-explained-what": 10,
        "generic-why": 12,
    }


def test_questions_that_differ_in_punctuation_only_are_one(tmp_path):
    path, _ = changed(
        TEMPLATES[0],
        tmp_path / "v1.yaml",
        "'{start.name}とは何か。'",
        "'{start.name}とは何か。', '{start.name} とは、何か？'",
    )
    pairs = make_pairs(graph(), read_templates([path, TEMPLATES[1]], schema()), None, 1)
    assert len(pairs) == len(make_pairs(graph(), templates(), None, 1))
    assert len({normalise(row["question"]) for row in pairs}) == len(pairs)


def test_the_choice_is_seeded_and_keeps_versions_and_intents():
    make = lambda seed: make_pairs(graph(), templates(), {"CONTAINS": 4}, seed)  # noqa: E731
    assert make(1) == make(1)
    assert any(make(1) != make(seed) for seed in range(2, 8))
    for seed in range(5):
        chosen = [row for row in make(seed) if row["relation_type"] == "CONTAINS"]
        assert len(chosen) == 4 and {row["version"] for row in chosen} == {"v1", "v2"}
    assert len([row for row in make(1) if row["relation_type"] != "CONTAINS"]) == 22


def test_a_target_that_cannot_be_reached_is_named():
    with pytest.raises(InputError, match="CONTAINS: 8 different questions, the target is 9; add question wordings"):
        make_pairs(graph(), templates(), {"CONTAINS": 9}, 1)
    with pytest.raises(InputError, match=r"target_counts\.CONTAIN: the graph has no relation of this type"):
        make_pairs(graph(), templates(), {"CONTAIN": 1}, 1)


def test_types_without_templates_are_named():
    with pytest.raises(InputError, match="no template for the relation type COUNTERS, USES, COMES_BEFORE"):
        make_pairs(graph(), templates()[:2], None, 1)


def test_the_generic_file_serves_any_domain():
    generic = read_templates([ROOT / "resources" / "templates" / "generic.yaml"], schema())
    pairs = make_pairs(graph(), generic, None, 1)
    assert {row["relation_type"] for row in pairs} == {relation.type for relation in graph().relations}
    assert all("養蜂の手引き" in row["answer"] and not faults(row["answer"]) for row in pairs)


def test_a_repeated_sentence_is_left_out_and_the_aim_is_neared(tmp_path):
    once = "{reason}（{citation}）"
    path, _ = changed(
        TEMPLATES[1],
        tmp_path / "v2.yaml",
        once,
        f"{once}\n        {{start.description}}\n        {{start.description}}{{reason}}",
    )
    for row in make_pairs(graph(), read_templates([TEMPLATES[0], path], schema()), None, 1):
        sentences = re.findall("[^。]+。", row["answer"])
        assert len(set(sentences)) == len(sentences)
        assert len(row["answer"]) <= 300


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{end<same.name}の説明", "{end<same.nane}の説明", "unknown slot {end<same.nane}"),
        (
            "次の章は「{next.title}」",
            "次の章は「{following.title}」",
            "template bee-contains-what: unknown slot {following.title}",
        ),
        (
            "- その章の範囲は",
            "- '{end<USE.name}の範囲は'\n    - その章の範囲は",
            "unknown relation type USE in slot {end<USE.name}; did you mean USES?",
        ),
        (
            "relation: CONTAINS",
            "relation: CONTAIN",
            "template bee-contains-what: unknown relation type CONTAIN; did you mean CONTAINS?",
        ),
        (
            "  EXPLAINED_IN:",
            "  EXPLAIND_IN:",
            ":5: more.EXPLAIND_IN: unknown relation type; did you mean EXPLAINED_IN?",
        ),
        ("id: bee-explained-what", "id: bee-contains-what", "template bee-contains-what: this id stands twice"),
        ("{reason}（{citation}）", "{reason}（{citation）", "a brace without its partner"),
        (
            "intent: what\n    questions: ['{start.name}と",
            "intent: wat\n    questions: ['{start.name}と",
            "unknown intent wat; did you mean what?",
        ),
        (
            "version: v1\n",
            "version: v1\nalso: ['{topics}もです。', '{topic}もです。']\n",
            "v1.yaml:3: also: expected a sentence with {topics}, once and no other slot, not '{topic}もです。'",
        ),
        ("version: v1", "version: v9", "version: expected one of v1, v2, v3, v4, found v9"),
        ("        {more}\n", "        {more}\n        ? {volume\n", "a brace without its partner"),
    ],
)
def test_a_fault_in_a_template_names_file_and_id(tmp_path, old, new, expected):
    path, _ = changed(TEMPLATES[0], tmp_path / "v1.yaml", old, new)
    with pytest.raises(InputError) as error:
        read_templates([path, TEMPLATES[1]], schema())
    assert str(path) in str(error.value) and expected in str(error.value)


def test_a_slot_without_a_value_names_template_and_relation(tmp_path):
    path, _ = changed(TEMPLATES[1], tmp_path / "v2.yaml", "    needs: [next.title]\n", "")
    with pytest.raises(InputError) as error:
        make_pairs(graph(), read_templates([TEMPLATES[0], path], schema()), None, 1)
    expected = f"{path}:9: template bee-contains-how: the slot {{next.title}} has no value for book -CONTAINS-> ch-3"
    assert expected in str(error.value)
    assert "name it under needs" in str(error.value)


def test_a_volume_without_category_is_named(tmp_path):
    path, _ = changed(FOLDER / "schema.yaml", tmp_path / "schema.yaml", "  養蜂の手引き: 養蜂", "  登山の手引き: 養蜂")
    loaded = load_graph([FOLDER / "nodes.csv"], [FOLDER / "relations.csv"], read_schema(path), FOLDER / "toc.csv")
    with pytest.raises(InputError, match=r"schema\.yaml has no volume_category for '養蜂の手引き'"):
        make_pairs(loaded, templates(), None, 1)


# The pairs of the real graph.


@pytest.fixture(scope="module")
def config():
    return read_config([ROOT / "config" / "config.yaml"], ROOT)


@pytest.fixture(scope="module")
def standards(config):
    files = config["graph"]
    return load_graph(
        [ROOT / p for p in files["nodes"]],
        [ROOT / p for p in files["relations"]],
        read_schema(ROOT / files["schema"]),
        ROOT / files["toc"],
        fact_files=[ROOT / p for p in files["facts"]],
    )


@pytest.fixture(scope="module")
def left_out():
    return LeftOut()


@pytest.fixture(scope="module")
def chosen(config, standards):
    return read_templates([ROOT / path for path in config["qa"]["templates"]], standards.schema)


@pytest.fixture(scope="module")
def pairs(config, standards, chosen, left_out):
    return make_pairs(standards, chosen, config["qa"]["target_counts"], config["seed"], left_out)


@pytest.fixture(scope="module")
def subsets(config, pairs):
    pool = rebalance(pairs, config["rebalance"]["retain"], None, config["seed"])
    assert len(pool) == 5169
    return nested_subsets(pool, [*config["subsets"]["sizes"], 1000, 2000, 3000, 4000, 5000], config["seed"])


@pytest.fixture(scope="module")
def questions(config, standards):
    return load_testset(ROOT / config["testset"]["file"], standards.schema, standards.toc)


def test_shorter_answers_keep_the_fact_that_is_asked_for_and_lose_others(config, standards, pairs):
    paths = [ROOT / path for path in config["qa"]["templates"]]
    chosen = read_templates(paths, standards.schema, {"aim": 180, "most": 240})
    shorter = make_pairs(standards, chosen, config["qa"]["target_counts"], config["seed"])
    assert [row["question"] for row in shorter] == [row["question"] for row in pairs]
    assert mean(len(row["answer"]) for row in pairs) > 360 and mean(len(row["answer"]) for row in shorter) < 200
    asking = {template.id for template in chosen if template.kinds}
    rows = [(row, less) for row, less in zip(pairs, shorter, strict=True) if row["template"] in asking]
    both = [(row["facts"], less["facts"]) for row, less in rows]
    assert len(both) > 4000 and all(few[0].split(":")[0] == many[0].split(":")[0] for many, few in both)
    assert sum(map(len, (few for _, few in both))) < sum(map(len, (many for many, _ in both))) / 2


def test_counts_are_the_papers(config, pairs):
    counts = Counter(row["relation_type"] for row in pairs)
    assert counts == config["qa"]["target_counts"] and sum(counts.values()) == 5578
    assert len({row["id"] for row in pairs}) == 5578
    intents = defaultdict(set)
    for row in pairs:
        intents[row["version"]].add(row["intent"])
        intents["all"].add(row["intent"])
    assert intents.keys() == {"v1", "v2", "v3", "v4", "all"} and len(intents["all"]) == 7
    assert all(
        {row["version"] for row in pairs if row["relation_type"] == type_} == {"v1", "v2", "v3", "v4"}
        for type_ in counts
    )


def test_mean_answer_length_of_every_subset_is_the_papers(subsets):
    assert all(360 <= mean(len(row["answer"]) for row in rows) <= 390 for rows in subsets.values())


def test_subsets_hold_the_facts_in_turn_and_little_repetition(subsets, standards, questions, left_out):
    references = [row["reference"] for row in questions if row["label"] == "curated"]
    values = {(row["n"], row["metric"]): row["value"] for row in quality_rows(subsets, standards.facts, references)}
    assert left_out.counts[UNTAUGHT_FACTS] == 0
    assert values[5000, "facts"] == len(standards.facts) > values[1000, "facts"]
    assert values[5000, "fact_uses_min"] >= 5 and values[5000, "fact_uses_max"] <= 30
    assert values[5000, "facts_in_all_wordings"] >= 0.99 * len(standards.facts)
    assert values[5000, "distinct_chars"] >= 0.3
    assert values[5000, "sentence_uses_max"] <= 25
    assert abs(values[5000, "polite_share"] - values[5000, "test_polite_share"]) < 0.05


def test_most_test_questions_are_taught_by_the_largest_subset(subsets, standards, questions):
    rows = coverage_rows(questions, {n: subsets[n] for n in (1000, 5000)}, standards.facts)
    taught = Counter((row["n"], row["label"]) for row in rows if row["question"] == TAUGHT)
    assert taught[5000, "curated"] >= 60
    assert taught[1000, "curated"] < taught[5000, "curated"]


def faults(text: str) -> list[str]:
    found = re.findall(
        r"[{}]|はは(?!っ)|がが(?!け)|をを|にに|(?<!も)のの(?!り)|(?<!ま)でで(?!き)|(?<![こご])とと(?!も)|もも(?![つた])|へへ|第第|章章|節節|編編|。。|、、|。、|、。|（）|「」|（（|\.\s\.|\s\s",
        text,
    )
    if any(text.count(left) != text.count(right) for left, right in ("「」", "（）")):
        found.append("brackets")
    return found


def test_every_pair_is_written_cleanly(pairs):
    for row in pairs:
        assert not faults(row["question"]) and not faults(row["answer"]), row
        assert re.search(r"[。？]$", row["question"]), row
        assert row["answer"].endswith("。") and "。（" not in row["answer"], f"cut off: {row}"
        sentences = re.findall(r"[^。]+。", row["answer"])
        assert len(set(sentences)) == len(sentences), f"a sentence stands twice: {row}"
        assert 200 <= len(row["answer"]) <= 450, f"{len(row['answer'])} characters: {row}"
        assert all(map(polite, sentences)), f"mixed style: {row}"


def test_names_and_citations_in_answers_exist(standards, chosen, pairs):
    about_facts = {template.id for template in chosen if template.kinds}
    titles = {node.title for node in standards.nodes.values()}
    places = [place.text for place in standards.toc.places if place.chapter]
    chapters = {f"{place.volume} {place.chapter.split(' ')[0]}）" for place in standards.toc.places if place.chapter}
    volumes = "|".join(
        re.escape(node.name) for node in standards.nodes.values() if standards.schema.levels.get(node.label) == 0
    )
    relations = {(relation.start, relation.type, relation.end): relation for relation in standards.relations}
    for row in pairs:
        evidence = standards.evidence(relations[row["start"], row["relation_type"], row["end"]])
        asked = row["facts"][0].partition(":")[0] if row["template"] in about_facts else ""
        cited = next((fact.place for fact in standards.facts if fact.id == asked), evidence).text
        assert cited in row["answer"], f"does not cite {cited}: {row}"
        assert row["category"] == standards.schema.volume_category[evidence.volume]
        for quoted in re.findall(r"「(第[^「」]*)」", row["answer"]):
            assert quoted in titles, f"no node is called {quoted}: {row}"
        for cited in re.finditer(rf"(?:{volumes}) 第[^。]*", row["answer"]):
            # A fact from another chapter names that by its number, in brackets.
            known = chapters if re.match(r"\S+ 第[\d-]+章）", cited[0]) else places
            assert any(cited[0].startswith(place) for place in known), f"no such place: {cited[0]}: {row}"


def test_answers_to_one_relation_differ(pairs):
    answers = defaultdict(list)
    for row in pairs:
        answers[row["start"], row["relation_type"], row["end"]].append(row["answer"])
    assert mean(len(set(texts)) / len(texts) for texts in answers.values()) > 0.9


def test_no_test_question_comes_near_a_pair(pairs, questions, standards):
    assert Counter(row["label"] for row in questions) == {"curated": 100, "generated": 100}
    for label in ("curated", "generated"):
        assert Counter(row["category"] for row in questions if row["label"] == label) == standards.schema.categories
    assert overlap(questions, pairs, 0.5)["max_containment"] < 0.4
