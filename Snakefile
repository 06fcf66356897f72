# Tatara: from a knowledge graph to a small language model that knows it. The stages stand in rules/, in the order of the data.
from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"
include: "rules/inputs.smk"
include: "rules/graph.smk" if GRAPH else "rules/no_graph.smk"
include: "rules/data.smk"
include: "rules/qa.smk"
include: "rules/sources.smk"
include: "rules/preflight.smk"
include: "rules/base.smk"
include: "rules/stage1.smk"
include: "rules/stage2.smk"
include: "rules/stage3.smk"
include: "rules/evaluate.smk"
include: "rules/compared.smk"
include: "rules/judges.smk"
include: "rules/judge.smk"
include: "rules/quantization.smk"
include: "rules/tables.smk"
include: "rules/knowledge.smk"


if HARM:

    include: "rules/harm.smk"


if config["recipes"]:

    include: "rules/recipes.smk"


include: "rules/figures.smk"
include: "rules/report.smk"
include: "rules/deploy.smk"
include: "rules/local.smk"


rule all:
    """Everything: adapters, merged models, GGUF files, answers, scores, tables, figures and the report."""
    default_target: True
    input:
        "results/config.yaml",
        "results/provenance.json",
        expand("results/models/{model}-preflight.json", model=MODELS),
        expand("results/merged/{model}", model=MODELS),
        expand("results/gguf/{model}-parity.json", model=MODELS),
        "results/judge/agreement.csv",
        expand("results/nll/{evaluated}.json", evaluated=EVALUATED),
        expand("{table}.{kind}", table=TABLES, kind=["csv", "md"]),
        expand(
            "results/figures/{figure}.{kind}",
            figure=FIGURES + DATA_FIGURES,
            kind=["png", "svg"],
        ),
        CARDS,
        "results/data.html",
        "results/report.html",


# A job that the kernel ends has no chance to say why.
onerror:
    sys.stderr.write(killed_hint(log))
