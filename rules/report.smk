# Stage report: results/config.yaml · results/provenance.json · results/data.html · results/report.html
TABLES = [
    *expand("results/tables/table{number}", number=range(1, 7)),
    "results/tables/taught",
    "results/tables/repetition",
    "results/tables/probe",
    *(["results/tables/probe_types"] if config["evaluate"]["untuned"] else []),
    "results/tables/at_hand",
    *(["results/tables/harm"] if HARM else []),
    *(["results/tables/recipes"] if config["recipes"] else []),
    "results/quant/ladder",
    "results/quant/merge",
]


rule resolved_config:
    """Write the configuration with every default."""
    output:
        "results/config.yaml",
    log:
        "results/logs/resolved_config.log",
    params:
        config=config,
        code=code_of("resolved_config"),
    script:
        "../scripts/resolved_config.py"


rule provenance:
    """Write versions, commit, seeds and digests of the inputs."""
    input:
        given=resources_of(GIVEN),
        bases=expand("results/base/{model}", model=MODELS),
    output:
        "results/provenance.json",
    log:
        "results/logs/provenance.log",
    params:
        names=GIVEN,
        config=config,
        pipeline=pipeline_digest(),
        code=code_of("provenance"),
    script:
        "../scripts/provenance.py"


rule data_page:
    """Write the data on one page: pairs, test set, graph."""
    input:
        figures=expand("results/figures/{figure}.svg", figure=DATA_FIGURES),
        captions=captions_of(DATA_FIGURES),
        pairs="results/qa/qa_pairs.jsonl",
        pool="results/qa/pool.jsonl",
        diversity="results/qa/diversity.csv",
        overlap="results/testset/overlap.json",
        nodes="results/graph/nodes.csv",
        relations="results/graph/relations.csv",
        schema=SCHEMA,
        left_out=[*(["results/graph/left_out.csv"] if GRAPH else []), "results/qa/left_out.csv"],
        augmented=["results/qa/augmented.csv"] if AUGMENT else [],
        facts="results/graph/facts.csv",
        subset=SUBSETS[-1],
        quality="results/subsets/quality.csv",
        coverage="results/testset/coverage.csv",
    output:
        "results/data.html",
    log:
        "results/logs/data_page.log",
    params:
        title=config["study"]["title"],
        warn_above=config["left_out"]["warn_above"],
        register=config["register"],
        code=code_of("data_page"),
    script:
        "../scripts/data_page.py"


rule report:
    """Write everything on one page that opens offline."""
    input:
        tables=[*(f"{table}.csv" for table in TABLES), "results/judge/agreement.csv"],
        paper=[path for number in range(1, 7) for path in paper(f"table{number}")],
        figures=expand("results/figures/{figure}.svg", figure=FIGURES),
        captions=captions_of(FIGURES),
        selected="results/scale/selected.json",
        pairs="results/qa/qa_pairs.jsonl",
        pool="results/qa/pool.jsonl",
        quality="results/subsets/quality.csv",
        overlap="results/testset/overlap.json",
        schema=SCHEMA,
        testset="results/testset/test_set_200.jsonl",
        coverage="results/testset/coverage.csv",
        judge=expand("results/judge/judge_{evaluated}.csv", evaluated=JUDGED_NAMES),
        answers=expand("results/answers/{evaluated}.jsonl", evaluated=JUDGED_NAMES),
        parity=expand("results/gguf/{model}-parity.json", model=MODELS),
        provenance="results/provenance.json",
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    params:
        title=config["study"]["title"],
        notice=IN_WORDS["notice"],
        level=IN_WORDS["level"],
        names=NAMES,
        judges=list(JUDGES),
        code=code_of("report"),
    script:
        "../scripts/report.py"
