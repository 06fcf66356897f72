"""rule answers_ollama"""

import json
from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.answers import AnswerFiles
    from tatara.evaluate.answers_ollama import answer_ollama
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    model, fmt = snakemake.wildcards.model, snakemake.wildcards.fmt
    answer_ollama(
        deployed=json.loads(Path(snakemake.input.deployed).read_text(encoding="utf-8")),
        fmt=fmt,
        base=Path(snakemake.input.base),
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        conversation=Conversation(**snakemake.params.chat),
        **snakemake.params.arguments,
        files=AnswerFiles(
            answers=Path(snakemake.output.answers),
            times=Path(snakemake.output.seconds),
            finished=unfinished(f"answers_{model}_{fmt}_ollama.jsonl"),
        ),
    )
