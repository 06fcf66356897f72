"""rule answers_ollama"""

import json
from pathlib import Path

from tatara.job import job

with job(snakemake.log[0], snakemake.input, snakemake.output, gpus=snakemake.resources.gpu):
    from tatara.ollama_engine import answer_all
    from tatara.testset import evaluated

    model, fmt = snakemake.wildcards.model, snakemake.wildcards.fmt
    answer_all(
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        fmt=fmt,
        deployed=json.loads(Path(snakemake.input.deployed).read_text(encoding="utf-8")),
        base=Path(snakemake.input.base),
        answers=Path(snakemake.output.answers),
        times=Path(snakemake.output.seconds),
        partial=Path(f"results/checkpoints/answers_{model}_{fmt}_ollama.jsonl"),
        system=snakemake.params.system,
        limit=snakemake.params.limit,
        context=snakemake.params.context,
        **snakemake.params.ollama,
    )
