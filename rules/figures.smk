# The paper's figures: results/figures/fig{01..11}_*.png and .svg · the data's own: data{01..05}_* · the ladder's: quant01_*
FIGURES = [
    "fig01_pipeline",
    "fig02_relation_distribution",
    "fig03_answer_length",
    "fig04_subset_quality",
    "fig05_training_loss",
    "fig06_scale_nll",
    "fig07_model_comparison",
    "fig08_score_distribution",
    "fig09_category_scores",
    "fig10_model_profile",
    "fig11_question_scores",
    "quant01_ladder",
]
DATA_FIGURES = [
    "data01_relation_types",
    "data02_lengths",
    "data03_categories",
    "data04_overlap",
    "data05_graph",
]


rule fig01_pipeline:
    """Draw the pipeline and what the study found."""
    input:
        selected="results/scale/selected.json",
        table3="results/tables/table3.csv",
        table6="results/tables/table6.csv",
    output:
        png="results/figures/fig01_pipeline.png",
        svg=report(
            "results/figures/fig01_pipeline.svg",
            caption="../report/fig01.rst",
            category="Pipeline",
        ),
    log:
        "results/logs/fig01_pipeline.log",
    params:
        pipeline=lambda wildcards: stages(list(workflow.rules), EXAMPLE),
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig02_relation_distribution:
    """Draw the relation types of each subset."""
    input:
        paper=paper("text"),
        quality="results/subsets/quality.csv",
        schema=resource(config["graph"]["schema"]),
    output:
        png="results/figures/fig02_relation_distribution.png",
        svg=report(
            "results/figures/fig02_relation_distribution.svg",
            caption="../report/fig02.rst",
            category="Data",
        ),
    log:
        "results/logs/fig02_relation_distribution.log",
    params:
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig03_answer_length:
    """Draw the answer length of each subset."""
    input:
        paper=paper("text"),
        quality="results/subsets/quality.csv",
    output:
        png="results/figures/fig03_answer_length.png",
        svg=report(
            "results/figures/fig03_answer_length.svg",
            caption="../report/fig03.rst",
            category="Data",
        ),
    log:
        "results/logs/fig03_answer_length.log",
    params:
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig04_subset_quality:
    """Draw how much the subsets differ."""
    input:
        quality="results/subsets/quality.csv",
        schema=resource(config["graph"]["schema"]),
    output:
        png="results/figures/fig04_subset_quality.png",
        svg=report(
            "results/figures/fig04_subset_quality.svg",
            caption="../report/fig04.rst",
            category="Data",
        ),
    log:
        "results/logs/fig04_subset_quality.log",
    params:
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig05_training_loss:
    """Draw the training loss of each size."""
    input:
        paper=paper("table1"),
        train=expand("results/adapters/{run}/train.json", run=SCALE_RUNS),
    output:
        png="results/figures/fig05_training_loss.png",
        svg=report(
            "results/figures/fig05_training_loss.svg",
            caption="../report/fig05.rst",
            category="Scale",
        ),
    log:
        "results/logs/fig05_training_loss.log",
    params:
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig06_scale_nll:
    """Draw the likelihood of the test set by size."""
    input:
        paper=paper("table2"),
        scale="results/scale/scale.csv",
        selected="results/scale/selected.json",
    output:
        png="results/figures/fig06_scale_nll.png",
        svg=report(
            "results/figures/fig06_scale_nll.svg",
            caption="../report/fig06.rst",
            category="Scale",
        ),
    log:
        "results/logs/fig06_scale_nll.log",
    params:
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig07_model_comparison:
    """Draw the comparison of models."""
    input:
        paper=paper("table3"),
        table3="results/tables/table3.csv",
    output:
        png="results/figures/fig07_model_comparison.png",
        svg=report(
            "results/figures/fig07_model_comparison.svg",
            caption="../report/fig07.rst",
            category="Models",
        ),
    log:
        "results/logs/fig07_model_comparison.log",
    params:
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig08_score_distribution:
    """Draw how often each score was given."""
    input:
        paper=paper("table4"),
        table4="results/tables/table4.csv",
    output:
        png="results/figures/fig08_score_distribution.png",
        svg=report(
            "results/figures/fig08_score_distribution.svg",
            caption="../report/fig08.rst",
            category="Models",
        ),
    log:
        "results/logs/fig08_score_distribution.log",
    params:
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig09_category_scores:
    """Draw the mean score of each category."""
    input:
        judge=JUDGED,
        schema=resource(config["graph"]["schema"]),
    output:
        png="results/figures/fig09_category_scores.png",
        svg=report(
            "results/figures/fig09_category_scores.svg",
            caption="../report/fig09.rst",
            category="Models",
        ),
    log:
        "results/logs/fig09_category_scores.log",
    params:
        names=NAMES,
        seed=BOOTSTRAP["seed"],
        level=BOOTSTRAP["level"],
        resamples=BOOTSTRAP["resamples"],
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig10_model_profile:
    """Draw five sides of each model."""
    input:
        judge=JUDGED,
        table3="results/tables/table3.csv",
    output:
        png="results/figures/fig10_model_profile.png",
        svg=report(
            "results/figures/fig10_model_profile.svg",
            caption="../report/fig10.rst",
            category="Models",
        ),
    log:
        "results/logs/fig10_model_profile.log",
    params:
        names=NAMES,
        seed=BOOTSTRAP["seed"],
        level=BOOTSTRAP["level"],
        resamples=BOOTSTRAP["resamples"],
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule fig11_question_scores:
    """Draw the score of every question."""
    input:
        judge=JUDGED,
        schema=resource(config["graph"]["schema"]),
    output:
        png="results/figures/fig11_question_scores.png",
        svg=report(
            "results/figures/fig11_question_scores.svg",
            caption="../report/fig11.rst",
            category="Models",
        ),
    log:
        "results/logs/fig11_question_scores.log",
    params:
        names=NAMES,
        seed=BOOTSTRAP["seed"],
        level=BOOTSTRAP["level"],
        resamples=BOOTSTRAP["resamples"],
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule quant01_ladder:
    """Draw the quantization ladder."""
    input:
        ladder="results/quant/ladder.csv",
    output:
        png="results/figures/quant01_ladder.png",
        svg=report(
            "results/figures/quant01_ladder.svg",
            caption="../report/quant01.rst",
            category="Quantization",
        ),
    log:
        "results/logs/quant01_ladder.log",
    params:
        max_delta_nll=config["quantization"]["max_delta_nll"],
        min_top1=config["quantization"]["min_top1"],
        level=BOOTSTRAP["level"],
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule data01_relation_types:
    """Draw the relation types before and after undersampling."""
    input:
        pairs="results/qa/qa_pairs.jsonl",
        pool="results/qa/pool.jsonl",
        schema=resource(config["graph"]["schema"]),
    output:
        png="results/figures/data01_relation_types.png",
        svg=report(
            "results/figures/data01_relation_types.svg",
            caption="../report/data01.rst",
            category="Data",
        ),
    log:
        "results/logs/data01_relation_types.log",
    params:
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule data02_lengths:
    """Draw the lengths of questions and answers."""
    input:
        pool="results/qa/pool.jsonl",
    output:
        png="results/figures/data02_lengths.png",
        svg=report(
            "results/figures/data02_lengths.svg",
            caption="../report/data02.rst",
            category="Data",
        ),
    log:
        "results/logs/data02_lengths.log",
    params:
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule data03_categories:
    """Draw the categories of training and test."""
    input:
        pool="results/qa/pool.jsonl",
        testset="results/testset/test_set_200.jsonl",
        schema=resource(config["graph"]["schema"]),
    output:
        png="results/figures/data03_categories.png",
        svg=report(
            "results/figures/data03_categories.svg",
            caption="../report/data03.rst",
            category="Data",
        ),
    log:
        "results/logs/data03_categories.log",
    params:
        label=config["testset"]["label"],
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule data04_overlap:
    """Draw how near the test questions come to training."""
    input:
        overlap="results/testset/overlap.json",
    output:
        png="results/figures/data04_overlap.png",
        svg=report(
            "results/figures/data04_overlap.svg",
            caption="../report/data04.rst",
            category="Data",
        ),
    log:
        "results/logs/data04_overlap.log",
    params:
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"


rule data05_graph:
    """Draw the knowledge graph."""
    input:
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        schema=resource(config["graph"]["schema"]),
        toc=resource(config["graph"]["toc"]),
    output:
        png="results/figures/data05_graph.png",
        svg=report(
            "results/figures/data05_graph.svg",
            caption="../report/data05.rst",
            category="Data",
        ),
    log:
        "results/logs/data05_graph.log",
    params:
        notice=config["study"]["notice"],
        code=code_of("figure"),
    script:
        "../scripts/figure.py"
