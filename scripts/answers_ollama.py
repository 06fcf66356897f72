"""rule answers_ollama"""

import json
from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.ollama_answers import answer_all

    model, fmt = snakemake.wildcards.model, snakemake.wildcards.fmt
    answer_all(
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        fmt=fmt,
        deployed=json.loads(Path(snakemake.input.deployed).read_text(encoding="utf-8")),
        base=Path(snakemake.input.base),
        answers=Path(snakemake.output.answers),
        times=Path(snakemake.output.seconds),
        finished=Path(f"results/checkpoints/answers_{model}_{fmt}_ollama.jsonl"),
        system=snakemake.params.system,
        limit=snakemake.params.limit,
        context=snakemake.params.context,
        **snakemake.params.ollama,
    )
