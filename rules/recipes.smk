# Stage recipes, where the study names ways to train (config key recipes): results/recipes/{arm}/ with the adapter, train.json, nll.json,
# probe.csv, neutral.jsonl, answers.jsonl, answers_seconds.csv, judge.csv · results/tables/recipes.csv, .md
from tatara.files.recipes import arms_of

ARMS = arms_of(config)
TRAINED_ARMS = [arm for arm, entry in ARMS.items() if entry["n"]]
ARM_FILES = {
    "nll": "nll.json",
    "probe": "probe.csv",
    "neutral": "neutral.jsonl",
    "answers": "answers.jsonl",
    "seconds": "answers_seconds.csv",
    "judge": "judge.csv",
}


localrules:
    recipes_table,


rule train_recipe:
    """Train a model in one of the ways that are compared."""
    input:
        base=lambda wildcards: f"results/base/{ARMS[wildcards.arm]['model']}",
        subset=lambda wildcards: f"results/subsets/subset_merged_{ARMS[wildcards.arm]['n']}.jsonl",
        general=lambda wildcards: general_pairs(ARMS[wildcards.arm]["train"]),
    output:
        adapter=[f"results/recipes/{{arm}}/{name}" for name in ADAPTER_FILES],
        report="results/recipes/{arm}/train.json",
    log:
        "results/logs/train_recipe_{arm}.log",
    benchmark:
        "results/benchmarks/train_recipe_{arm}.tsv"
    wildcard_constraints:
        arm=names_of(TRAINED_ARMS),
    resources:
        gpu=1,
    params:
        arm=lambda wildcards: ARMS[wildcards.arm],
        chat=CHAT,
        code=code_of("train_recipe"),
    script:
        "../scripts/train_recipe.py"


rule measure_recipe:
    """Measure on the development questions what a way to train has given, or what there was without training."""
    input:
        base=lambda wildcards: f"results/base/{ARMS[wildcards.arm]['model']}",
        adapter=lambda wildcards: (
            [f"results/recipes/{wildcards.arm}/{name}" for name in ADAPTER_FILES] if ARMS[wildcards.arm]["n"] else []
        ),
        dev="results/testset/dev.jsonl",
        probe_items="results/probe/items.jsonl",
        neutral="results/harm/neutral.jsonl" if HARM else [],
    output:
        **{key: f"results/recipes/{{arm}}/{name}" for key, name in ARM_FILES.items()},
    log:
        "results/logs/measure_recipe_{arm}.log",
    benchmark:
        "results/benchmarks/measure_recipe_{arm}.tsv"
    wildcard_constraints:
        arm=names_of(ARMS),
    resources:
        gpu=1,
    params:
        model=lambda wildcards: ARMS[wildcards.arm]["model"],
        precision=lambda wildcards: ARMS[wildcards.arm].get("train", config["train"])["base_precision"],
        chat=CHAT,
        limit=QUESTIONS["limit"],
        arguments=lambda wildcards: answering(ARMS[wildcards.arm]["model"], **BATCH),
        code=code_of("measure_recipe"),
    script:
        "../scripts/measure_recipe.py"


rule recipes_table:
    """The ways to train beside each other: what moves the model, and what does not."""
    input:
        **{key: expand(f"results/recipes/{{arm}}/{name}", arm=ARMS) for key, name in ARM_FILES.items()},
        train=expand("results/recipes/{arm}/train.json", arm=TRAINED_ARMS),
        dev="results/testset/dev.jsonl",
        coverage="results/testset/coverage_dev.csv",
    output:
        multiext("results/tables/recipes", csv=".csv", md=".md"),
    log:
        "results/logs/recipes_table.log",
    params:
        **IN_WORDS,
        arguments={"arms": ARMS, **BOOTSTRAP},
        code=code_of("table"),
    script:
        "../scripts/table.py"
