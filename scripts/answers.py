"""rules answers_gguf and answers_nf4"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.answers import answer_all
    from tatara.job.scratch_folder import unfinished

    fmt = snakemake.wildcards.get("fmt", "nf4")
    gguf, adapter = snakemake.input.get("gguf"), snakemake.input.get("adapter")
    answer_all(
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        fmt=fmt,
        base=Path(snakemake.input.base),
        file=Path(gguf) if gguf else None,
        adapter=Path(adapter[0]).parent if adapter else None,
        answers=Path(snakemake.output.answers),
        times=Path(snakemake.output.seconds),
        finished=unfinished(f"answers_{snakemake.wildcards.model}_{fmt}.jsonl"),
        system=snakemake.params.system,
        limit=snakemake.params.limit,
        context=snakemake.params.context,
        threads=snakemake.threads,
        batch_size=snakemake.params.batch_size,
        timed=snakemake.params.timed,
    )
