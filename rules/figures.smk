# Stage figures: results/figures/fig{01..11}_*.png and .svg, the paper's · data{01..05}_*, of the data · hand01_*, the two-by-two · quant01_*
LEVEL = {"level": BOOTSTRAP["level"]}
BY_QUESTION = {"names": NAMES, **BOOTSTRAP}
QUALITY = "results/subsets/quality.csv"
PAIRS, POOL = "results/qa/qa_pairs.jsonl", "results/qa/pool.jsonl"
SELECTED = "results/scale/selected.json"
TESTSET = "results/testset/test_set_200.jsonl"
TABLE3, TABLE6 = "results/tables/table3.csv", "results/tables/table6.csv"

# A figure's name is that of its rule, of its files and of its caption; scripts/tatara/report/figures/registry.py says what draws it.
# name: category in Snakemake's report, inputs, params
DRAWN = {
    "fig01_pipeline": (
        "Pipeline",
        {"selected": SELECTED, "table3": TABLE3, "table6": TABLE6},
        {"pipeline": lambda wildcards: stages(list(workflow.rules), EXAMPLE)},
    ),
    "fig02_relation_distribution": (
        "Data",
        {"paper": paper("text"), "quality": QUALITY, "schema": SCHEMA},
        {},
    ),
    "fig03_answer_length": (
        "Data",
        {"paper": paper("text"), "quality": QUALITY},
        {},
    ),
    "fig04_subset_quality": (
        "Data",
        {"quality": QUALITY, "schema": SCHEMA},
        {},
    ),
    "fig05_training_loss": (
        "Scale",
        {
            "paper": paper("table1"),
            "train": expand("results/adapters/{run}/train.json", run=SCALE_RUNS),
        },
        {},
    ),
    "fig06_scale_nll": (
        "Scale",
        {
            "paper": paper("table2"),
            "scale": "results/scale/scale.csv",
            "table2": "results/tables/table2.csv",
            "selected": SELECTED,
            "untuned": UNTRAINED,
        },
        LEVEL,
    ),
    "fig07_model_comparison": (
        "Models",
        {"paper": paper("table3"), "table3": TABLE3},
        LEVEL,
    ),
    "fig08_score_distribution": (
        "Models",
        {"paper": paper("table4"), "table4": "results/tables/table4.csv"},
        {},
    ),
    "fig09_category_scores": (
        "Models",
        {"judge": JUDGED, "probe": PROBED, "schema": SCHEMA},
        BY_QUESTION,
    ),
    "fig10_model_profile": (
        "Models",
        {"judge": JUDGED, "table3": TABLE3},
        BY_QUESTION,
    ),
    "fig11_question_scores": (
        "Models",
        {"judge": JUDGED, "schema": SCHEMA},
        BY_QUESTION,
    ),
    "hand01_two_by_two": (
        "Models",
        {"table": "results/tables/at_hand.csv"},
        LEVEL,
    ),
    "quant01_ladder": (
        "Quantization",
        {"ladder": "results/quant/ladder.csv"},
        BOUNDS | LEVEL,
    ),
    "data01_relation_types": (
        "Data",
        {"pairs": PAIRS, "pool": POOL, "schema": SCHEMA},
        {},
    ),
    "data02_lengths": (
        "Data",
        {"pool": POOL},
        {},
    ),
    "data03_categories": (
        "Data",
        {"pool": POOL, "testset": TESTSET, "schema": SCHEMA},
        {"label": QUESTIONS["label"]},
    ),
    "data04_overlap": (
        "Data",
        {"overlap": "results/testset/overlap.json"},
        {},
    ),
    "data05_graph": (
        "Data",
        {
            "nodes": "results/graph/nodes.csv",
            "relations": "results/graph/relations.csv",
            "schema": SCHEMA,
            "toc": TOC,
        },
        {},
    ),
}
if not GRAPH:  # these show the graph, or its relation types
    for figure in ("fig02_relation_distribution", "data01_relation_types", "data05_graph"):
        del DRAWN[figure]
FIGURES = [name for name in DRAWN if not name.startswith("data")]
DATA_FIGURES = [name for name in DRAWN if name.startswith("data")]

for figure, (category, inputs, params) in DRAWN.items():

    rule:
        """Draw a figure."""
        name:
            figure
        input:
            **inputs,
        output:
            png=f"results/figures/{figure}.png",
            svg=report(
                f"results/figures/{figure}.svg",
                caption=f"../report/{figure.split('_')[0]}.rst",
                category=category,
            ),
        log:
            f"results/logs/{figure}.log",
        params:
            **params,
            notice="" if figure in DATA_FIGURES else config["study"]["notice"],  # it tells of the models
            code=code_of("figure"),
        script:
            "../scripts/figure.py"
