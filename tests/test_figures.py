"""Every figure: drawn, the same bytes each time, with every Japanese glyph, and with legends off the data."""

import itertools
import json
import re
import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import pandas
import pytest
from PIL import Image
from pipeline_copy import REPOSITORY
from synthetic import SCHEMA, write_study
from synthetic_compared import add_compared
from tatara.files.formats import WITH_MATRIX
from tatara.measure.results import read_json
from tatara.measure.stats import Resampling
from tatara.report.cards import metrics
from tatara.report.figures import fig01_pipeline, style
from tatara.report.figures.registry import FIGURES
from tatara.report.figures.style import error_bars, wrap
from tatara.report.summary import quantization
from tatara.report.summary_at_hand import training_or_graph
from tatara.report.tables.registry import write_table
from tatara.report.text_table import read_table
from tatara.report.workflow import stages
from test_tables import all_tables

NOTICE = "Stand-in models：代用モデルによる"
SETTINGS = {"seed": 42, "level": 0.95, "resamples": 200}
PIPELINE = {
    "stages": {
        "data": ["graph", "subsets"],
        "stage1": ["train_scale"],
        "stage2": ["merge"],
        "quantization": ["ladder"],
    },
    "flows": [
        ["data", "stage1"],
        ["data", "stage2"],
        ["stage1", "stage2"],
        ["stage2", "quantization"],
        ["data", "quantization"],
    ],
}
LONG = {
    "swallow": "Llama-3-Swallow-8B-Instruct-v0.1 QLoRA",
    "elyza": "日本語継続事前学習済み大規模言語モデル八十億",
    "qwen": "Q",
    "tanuki": "weblab/Tanuki-8B-dpo",
}


def with_tables(study):
    for name, table in all_tables(study).items():
        write_table(name, table, csv=study.path(f"tables/{name}.csv"), md=study.path(f"tables/{name}.md"), level=0.95)
    return study


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return with_tables(add_compared(write_study(tmp_path_factory.mktemp("study"))))


@pytest.fixture(scope="module")
def odd_studies(tmp_path_factory):
    """Sizes in the thousands with three seeds and long names; sizes far apart; one size, one model, one question."""
    return [
        with_tables(
            add_compared(
                write_study(
                    tmp_path_factory.mktemp("large"), sizes=(1000, 2000, 3000, 4000, 5000), seeds=(1, 2, 3), names=LONG
                )
            )
        ),
        with_tables(write_study(tmp_path_factory.mktemp("apart"), sizes=(40, 60, 1000), questions=8)),
        with_tables(write_study(tmp_path_factory.mktemp("one"), sizes=(40,), questions=1, names={"tanuki": "T"})),
    ]


def paper_file(table):
    return [str(REPOSITORY / f"resources/paper/{table}.csv")]


def calls(study):
    quality = study.path("subsets/quality.csv")
    return {
        "fig02": (
            FIGURES["fig02_relation_distribution"],
            {"paper": paper_file("text"), "quality": quality, "schema": SCHEMA},
        ),
        "fig03": (FIGURES["fig03_answer_length"], {"paper": paper_file("text"), "quality": quality}),
        "fig04": (FIGURES["fig04_subset_quality"], {"quality": quality, "schema": SCHEMA}),
        "fig05": (FIGURES["fig05_training_loss"], {"train": study.train, "paper": paper_file("table1")}),
        "fig06": (
            FIGURES["fig06_scale_nll"],
            {
                "scale": study.path("scale/scale.csv"),
                "table2": study.path("tables/table2.csv"),
                "selected": study.path("scale/selected.json"),
                "level": 0.95,
                "untuned": study.untuned,
                "paper": paper_file("table2"),
            },
        ),
        "fig07": (
            FIGURES["fig07_model_comparison"],
            {"table3": study.path("tables/table3.csv"), "level": 0.95, "paper": paper_file("table3")},
        ),
        "fig08": (
            FIGURES["fig08_score_distribution"],
            {"table4": study.path("tables/table4.csv"), "paper": paper_file("table4")},
        ),
        "fig01": (
            FIGURES["fig01_pipeline"],
            {
                "selected": study.path("scale/selected.json"),
                "table3": study.path("tables/table3.csv"),
                "table6": study.path("tables/table6.csv"),
                "pipeline": PIPELINE,
            },
        ),
        "fig09": (
            FIGURES["fig09_category_scores"],
            {"judge": study.judge, "probe": study.probe, "schema": SCHEMA, "names": study.names, **SETTINGS},
        ),
        "fig10": (
            FIGURES["fig10_model_profile"],
            {"judge": study.judge, "table3": study.path("tables/table3.csv"), "names": study.names, **SETTINGS},
        ),
        "fig11": (
            FIGURES["fig11_question_scores"],
            {"judge": study.judge, "schema": SCHEMA, "names": study.names, **SETTINGS},
        ),
        "hand01": (FIGURES["hand01_two_by_two"], {"table": study.path("tables/at_hand.csv"), "level": 0.95}),
        "quant01": (
            FIGURES["quant01_ladder"],
            {"ladder": study.path("tables/ladder.csv"), "max_delta_nll": 0.05, "min_top1": 0.9, "level": 0.95},
        ),
    }


def data_calls(study):
    pairs, pool, testset = (
        study.path("qa/qa_pairs.jsonl"),
        study.path("qa/pool.jsonl"),
        study.path("testset/test_set_200.jsonl"),
    )
    graph = {
        name: REPOSITORY / f"tests/data/beekeeping/{name}"
        for name in ("nodes.csv", "relations.csv", "schema.yaml", "toc.csv")
    }
    return {
        "data01": (FIGURES["data01_relation_types"], {"pairs": pairs, "pool": pool, "schema": SCHEMA}),
        "data02": (FIGURES["data02_lengths"], {"pool": pool}),
        "data03": (
            FIGURES["data03_categories"],
            {"pool": pool, "testset": testset, "schema": SCHEMA, "label": "curated"},
        ),
        "data04": (FIGURES["data04_overlap"], {"overlap": study.path("testset/overlap.json")}),
        "data05": (FIGURES["data05_graph"], {name.split(".")[0]: path for name, path in graph.items()}),
    }


def test_where_no_answer_was_timed_no_table_and_no_figure_speaks_of_time(tmp_path):
    study = add_compared(write_study(tmp_path))
    files = [*study.judge, *study.times, *study.four["judge"], *study.four["times"]]
    for path in set(files):
        frame = pandas.read_csv(path, dtype=str)
        frame.assign(seconds="").to_csv(path, index=False)
    with_tables(study)
    for name in ("table3", "table5", "at_hand"):
        text = Path(study.path(f"tables/{name}.md")).read_text(encoding="utf-8")
        own = text.partition("### The paper's")[0]
        assert not any(word in own for word in ("nan", "| s/question |", "| Speed-up |", "| Throughput |"))
    speed = read_table(study.path("tables/table5.csv"))
    assert speed[["seconds", "speedup", "throughput_ratio"]].isna().all(axis=None)
    assert not any("times as fast" in sentence or "nan" in sentence for sentence in quantization(speed))
    assert "nan" not in " ".join(training_or_graph(read_table(study.path("tables/at_hand.csv")), 0.95))
    for name, panels in {"fig07": 3, "hand01": 3, "fig10": 1}.items():
        function, inputs = calls(study)[name]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            figure = function(**inputs)
        titles = [axes.get_title("left") for axes in figure.axes]
        assert len(titles) == panels and not any("Time" in title for title in titles)
        assert all(axes.yaxis_inverted() for axes in figure.axes), "the first row stands at the top"
        sides = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        assert name != "fig10" or (len(sides) == 4 and "Speed" not in sides)
    measured = dict(metrics(study.judge[0], study.nll[0], Resampling(42, 200)))
    assert measured["Time of an answer on the machine of this study, seconds"] == "not measured"


def draw(study, name, folder, notice=NOTICE):
    """Draw one figure, any warning an error (a glyph that no font has is one), and return its two files."""
    function, inputs = (calls(study) | data_calls(study))[name]
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        style.save(function(**inputs), png, svg, notice)
    return png, svg


NAMES_OF_FIGURES = [
    *(f"fig{number:02}" for number in range(1, 12)),
    "hand01",
    "quant01",
    *(f"data0{number}" for number in range(1, 6)),
]


@pytest.mark.parametrize("name", NAMES_OF_FIGURES)
def test_each_figure_is_whole_and_the_same_bytes_twice(study, name, tmp_path):
    first, second = draw(study, name, tmp_path / "a"), draw(study, name, tmp_path / "b")
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes()
    with Image.open(first[0]) as image:
        assert image.width > 800 and image.height > 400 and len(image.getcolors(1_000_000)) > 50
        assert "Software" not in image.info
    text = first[1].read_text(encoding="utf-8")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert "<dc:date>" not in text and "font-family" not in text


@pytest.mark.parametrize("name", NAMES_OF_FIGURES)
def test_figures_of_unusual_studies_are_drawn_without_a_warning(odd_studies, name, tmp_path):
    for index, study in enumerate(odd_studies):
        for file in draw(study, name, tmp_path / str(index), notice=""):
            assert file.stat().st_size > 5000


def test_a_notice_makes_the_figure_taller_and_leaves_the_rest(study, tmp_path):
    with_notice, without = draw(study, "fig03", tmp_path / "a"), draw(study, "fig03", tmp_path / "b", notice="")
    with Image.open(with_notice[0]) as one, Image.open(without[0]) as other:
        assert one.width == other.width and one.height > other.height


def test_every_figure_has_a_rule_a_caption_and_what_draws_it():
    text = (REPOSITORY / "rules/figures.smk").read_text(encoding="utf-8")
    names = re.findall(r'^    "(\w+)": \($', text, re.MULTILINE)
    assert names == list(FIGURES)
    local = (REPOSITORY / "rules/local.smk").read_text(encoding="utf-8")
    assert all(f"    {name},\n" in local for name in names)
    keys = {name.split("_")[0] for name in names}
    assert keys == set(NAMES_OF_FIGURES) == {path.stem for path in (REPOSITORY / "report").glob("*.rst")}


def test_a_missing_glyph_would_be_noticed(tmp_path):
    figure = style.new_figure(2, 1)
    figure.add_subplot().set_title("\U0001f9ff")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="missing from font"):
            style.save(figure, tmp_path / "x.png", tmp_path / "x.svg")


def overlaps(one, other):
    return one.x0 < other.x1 and other.x0 < one.x1 and one.y0 < other.y1 and other.y0 < one.y1


@pytest.mark.parametrize("name", NAMES_OF_FIGURES)
def test_legends_and_notice_hide_nothing_and_labels_keep_apart(study, odd_studies, name, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(style.Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    for each in [study, *odd_studies]:
        draw(each, name, tmp_path)
        figure = drawn[-1]
        figure.draw_without_rendering()
        renderer = figure.canvas.get_renderer()
        panels = [axes.get_tightbbox(renderer) for axes in figure.axes]
        notice = figure.texts[-1].get_window_extent(renderer)
        assert notice.x0 >= 0 and notice.x1 <= figure.bbox.width and notice.y0 >= 0
        for legend in figure.legends:
            place = legend.get_window_extent(renderer)
            assert not any(overlaps(place, panel) for panel in panels) and not overlaps(place, notice)
            assert place.x0 >= 0 and place.x1 <= figure.bbox.width
        for panel, axes in zip(panels, figure.axes, strict=True):
            assert not overlaps(panel, notice) and panel.x0 >= -1 and panel.x1 <= figure.bbox.width + 1
            for axis in (axes.xaxis, axes.yaxis):
                labels = [
                    label.get_window_extent(renderer)
                    for label in axis.get_ticklabels()
                    if label.get_visible() and label.get_text()
                ]
                assert not any(overlaps(one, other) for one, other in itertools.pairwise(labels))


def test_sizes_stand_to_scale_where_they_have_room():
    for sizes, expected in (
        ([1000, 2000, 5000], [1000, 2000, 5000]),
        ([40, 80, 200], [40, 80, 200]),
        ([40, 60, 5000], [0, 1, 2]),
        ([64], [64]),
    ):
        axes = style.new_figure(4, 3).add_subplot()
        assert list(style.size_axis(axes, sizes).values()) == expected
        assert [label.get_text() for label in axes.get_xticklabels()] == [f"{n:,}" for n in sizes]


def test_long_names_break_where_readers_expect_it():
    assert wrap("Llama-3-Swallow-8B-Instruct-v0.1", 20) == "Llama-3-Swallow-8B-\nInstruct-v0.1"
    assert wrap("日本語大規模言語モデル", 10) == "日本語大規\n模言語モデ\nル"
    assert wrap("Swallow stand-in", 20) == "Swallow stand-in"


@pytest.mark.parametrize("matrices", [True, False])
def test_points_of_the_ladder_stand_over_their_formats(study, tmp_path, matrices):
    """Side by side where a format has two; else each over its own tick, model by model."""
    table = read_table(study.path("tables/ladder.csv"))
    if not matrices:
        table = table[~table["variant"].str.endswith(WITH_MATRIX)]
    table.to_csv(tmp_path / "ladder.csv", index=False)
    draw_ladder = FIGURES["quant01_ladder"]
    figure = draw_ladder(ladder=tmp_path / "ladder.csv", max_delta_nll=0.05, min_top1=0.9, level=0.95)
    columns = len(table["model"].unique())
    for axes in figure.axes[-columns:]:
        places = [sorted(container.lines[0].get_xdata()) for container in axes.containers]
        assert len(places) == 1 + matrices
        assert (places[0] == pytest.approx(sorted(axes.get_xticks()), abs=1e-9)) is not matrices


def test_an_interval_that_misses_its_value_has_no_bar_on_that_side(study, tmp_path):
    """Where nearly all draws are the same, the ends of a percentile interval differ from the value in its last bits."""
    assert error_bars([1.0, 2.0], [1.0 + 2e-16, 1.5], [1.0 + 2e-16, 2.5]).tolist() == [
        [0.0, 0.5],
        [2.220446049250313e-16, 0.5],
    ]
    table = read_table(study.path("tables/ladder.csv"))
    table["kl_low"] = table["kl_high"] = table["kl"] * (1 + 1e-15)
    table.to_csv(tmp_path / "ladder.csv", index=False)
    FIGURES["quant01_ladder"](ladder=tmp_path / "ladder.csv", max_delta_nll=0.05, min_top1=0.9, level=0.95)


def test_a_stage_that_the_study_does_not_use_is_not_drawn():
    def rule(name, stage, inputs, output):
        return SimpleNamespace(name=name, snakefile=f"rules/{stage}.smk", input=inputs, output=[re.compile(output)])

    rules = [
        rule("package", "sources", [], "package/m$"),
        rule("base", "base", [], "base/m$"),
        rule("train", "stage1", [lambda wildcards: f"base/{wildcards.model}"], "adapter/m$"),
    ]
    assert stages(rules, {"model": "m"}) == {
        "stages": {"base": ["base"], "stage1": ["train"]},
        "flows": [("base", "stage1")],
    }


def test_figure_1_says_what_a_size_was_selected_by(study, tmp_path):
    tables = study.path("tables/table3.csv"), study.path("tables/table6.csv")
    assert " NLL " in fig01_pipeline.findings(study.path("scale/selected.json"), *tables)["stage1"]
    selected = read_json(study.path("scale/selected.json")) | {"rule": "recall", "recall": 0.42}
    (tmp_path / "selected.json").write_text(json.dumps(selected), encoding="utf-8")
    assert "(recall), 42 % of the facts" in fig01_pipeline.findings(tmp_path / "selected.json", *tables)["stage1"]
