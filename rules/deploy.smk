# Stage deploy: results/deploy/{model}-{fmt}/README.md

CARDS = [f"results/deploy/{name.replace('_', '-')}/README.md" for name in EVALUATED]


rule model_card:
    """Write the model card of a model in one format."""
    input:
        judge="results/judge/judge_{model}_{fmt}.csv",
        nll="results/nll/{model}_{fmt}.json",
        train=f"results/adapters/{SELECTED_RUN}/train.json",
        base="results/base/{model}",
        parity="results/gguf/{model}-parity.json",
        selected="results/scale/selected.json",
    output:
        "results/deploy/{model}-{fmt}/README.md",
    log:
        "results/logs/model_card_{model}_{fmt}.log",
    conda:
        "../envs/conda-cpu.yaml"
    params:
        model=lambda wildcards: {
            key: config["models"][wildcards.model][key] for key in ("name", "license")
        },
        title=config["study"]["title"],
        notice=config["study"]["notice"],
        judges=list(JUDGES),
        seed=config["seed"],
        level=config["statistics"]["level"],
        resamples=config["statistics"]["resamples"],
        code=code_digest("tatara.cards"),
    script:
        "../scripts/model_card.py"
