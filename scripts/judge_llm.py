"""rule judge_llm"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate import llm_judges
    from tatara.job.scratch_folder import unfinished
    from tatara.measure.results import read_json

    name, params = snakemake.wildcards.judge, snakemake.params
    llm_judges.judge_llm(
        name=name,
        settings=params.settings,
        complete=lambda: llm_judges.load(params.settings, params.file, snakemake.threads),
        identity=read_json(snakemake.input.identity),
        rows=evaluated(snakemake.input.testset, **params.questions),
        answers=Path(snakemake.input.answers),
        times=Path(snakemake.input.seconds),
        prompt=Path(snakemake.input.prompt),
        output=Path(snakemake.output[0]),
        finished=unfinished(f"judge_{name}_{snakemake.wildcards.evaluated}.jsonl"),
        seed=params.seed,
    )
