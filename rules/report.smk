# Stage report: results/config.yaml · results/provenance.json


rule resolved_config:
    """Write the configuration with every default."""
    output:
        "results/config.yaml",
    log:
        "results/logs/resolved_config.log",
    params:
        config=config,
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
        commit=commit(),
        code=code_digest("tatara.provenance"),
    script:
        "../scripts/provenance.py"
