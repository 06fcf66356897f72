# The paper's figures 2 to 8: results/figures/fig{02..08}_*.png and .svg
FIGURES = [
    "fig02_relation_distribution",
    "fig03_answer_length",
    "fig04_subset_quality",
    "fig05_training_loss",
    "fig06_scale_nll",
    "fig07_model_comparison",
    "fig08_score_distribution",
]


rule fig02_relation_distribution:
    """Draw the relation types of each subset."""
    input:
        quality="results/subsets/quality.csv",
        schema=resource(config["graph"]["schema"]),
    output:
        png="results/figures/fig02_relation_distribution.png",
        svg="results/figures/fig02_relation_distribution.svg",
    log:
        "results/logs/fig02_relation_distribution.log",
    conda:
        "../envs/conda-cpu.yaml"
    params:
        notice=config["study"]["notice"],
        code=code_digest("tatara.figures.data"),
    script:
        "../scripts/figure.py"


rule fig03_answer_length:
    """Draw the answer length of each subset."""
    input:
        quality="results/subsets/quality.csv",
    output:
        png="results/figures/fig03_answer_length.png",
        svg="results/figures/fig03_answer_length.svg",
    log:
        "results/logs/fig03_answer_length.log",
    conda:
        "../envs/conda-cpu.yaml"
    params:
        notice=config["study"]["notice"],
        code=code_digest("tatara.figures.data"),
    script:
        "../scripts/figure.py"


rule fig04_subset_quality:
    """Draw how much the subsets differ."""
    input:
        quality="results/subsets/quality.csv",
        schema=resource(config["graph"]["schema"]),
    output:
        png="results/figures/fig04_subset_quality.png",
        svg="results/figures/fig04_subset_quality.svg",
    log:
        "results/logs/fig04_subset_quality.log",
    conda:
        "../envs/conda-cpu.yaml"
    params:
        notice=config["study"]["notice"],
        code=code_digest("tatara.figures.data"),
    script:
        "../scripts/figure.py"


rule fig05_training_loss:
    """Draw the training loss of each size."""
    input:
        train=expand("results/adapters/{run}/train.json", run=SCALE_RUNS),
    output:
        png="results/figures/fig05_training_loss.png",
        svg="results/figures/fig05_training_loss.svg",
    log:
        "results/logs/fig05_training_loss.log",
    conda:
        "../envs/conda-cpu.yaml"
    params:
        notice=config["study"]["notice"],
        code=code_digest("tatara.figures.scale"),
    script:
        "../scripts/figure.py"


rule fig06_scale_nll:
    """Draw the likelihood of the test set by size."""
    input:
        scale="results/scale/scale.csv",
        selected="results/scale/selected.json",
    output:
        png="results/figures/fig06_scale_nll.png",
        svg="results/figures/fig06_scale_nll.svg",
    log:
        "results/logs/fig06_scale_nll.log",
    conda:
        "../envs/conda-cpu.yaml"
    params:
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
        code=code_digest("tatara.figures.scale"),
    script:
        "../scripts/figure.py"


rule fig07_model_comparison:
    """Draw the comparison of models."""
    input:
        table3="results/tables/table3.csv",
    output:
        png="results/figures/fig07_model_comparison.png",
        svg="results/figures/fig07_model_comparison.svg",
    log:
        "results/logs/fig07_model_comparison.log",
    conda:
        "../envs/conda-cpu.yaml"
    params:
        level=config["statistics"]["level"],
        notice=config["study"]["notice"],
        code=code_digest("tatara.figures.compare"),
    script:
        "../scripts/figure.py"


rule fig08_score_distribution:
    """Draw how often each score was given."""
    input:
        table4="results/tables/table4.csv",
    output:
        png="results/figures/fig08_score_distribution.png",
        svg="results/figures/fig08_score_distribution.svg",
    log:
        "results/logs/fig08_score_distribution.log",
    conda:
        "../envs/conda-cpu.yaml"
    params:
        notice=config["study"]["notice"],
        code=code_digest("tatara.figures.compare"),
    script:
        "../scripts/figure.py"
