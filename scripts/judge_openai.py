"""rule judge_openai"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.judge_server import check_same, load
    from tatara.evaluate.llm_judges import judge_llm
    from tatara.job.scratch_folder import unfinished
    from tatara.llm.openai import Server
    from tatara.measure.results import read_json

    name, settings = snakemake.wildcards.judge, snakemake.params.settings
    server = Server(settings["url"], settings["timeout"], settings["key_env"])
    identity = read_json(snakemake.input.identity)
    check_same(server, settings["model"], identity, Path(snakemake.input.identity))
    judge_llm(
        name=name,
        settings=settings,
        complete=lambda: load(server, settings["model"], context=settings["context"], limit=settings["max_tokens"]),
        identity=identity,
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        answers=Path(snakemake.input.answers),
        times=Path(snakemake.input.seconds),
        prompt=Path(snakemake.input.prompt),
        output=Path(snakemake.output[0]),
        finished=unfinished(f"judge_{name}_{snakemake.wildcards.evaluated}.jsonl"),
        seed=snakemake.params.seed,
    )
