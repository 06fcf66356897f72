"""rules judge_rubric and judge_llm"""

from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, gpus=snakemake.resources.get("gpu", 0)):
    from tatara import judges, llm_judges
    from tatara.results import read_json
    from tatara.scratch import unfinished
    from tatara.testset import evaluated

    name, params = snakemake.wildcards.judge, snakemake.params
    given = {
        "name": name,
        "rows": evaluated(snakemake.input.testset, **params.questions),
        "answers": Path(snakemake.input.answers),
        "times": Path(snakemake.input.seconds),
        "output": Path(snakemake.output[0]),
    }
    settings = params.get("settings", {})
    if not settings:
        judges.judge_rubric(**given)
    else:
        llm_judges.judge_llm(
            **given,
            settings=settings,
            complete=lambda: llm_judges.load(settings, params.file, params.numeric_threads),
            identity=read_json(snakemake.input.identity),
            prompt=Path(snakemake.input.prompt),
            partial=unfinished(f"judge_{name}_{snakemake.wildcards.evaluated}.jsonl"),
            seed=params.seed,
        )
