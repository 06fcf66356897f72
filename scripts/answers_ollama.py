"""rules answers_ollama and answers_ollama_graph"""

import json
from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated, with_prompts
    from tatara.evaluate.answers import AnswerFiles
    from tatara.evaluate.answers_ollama import answer_ollama
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    rows = evaluated(snakemake.input.testset, **snakemake.params.questions)
    answers = Path(snakemake.output.answers)
    answer_ollama(
        deployed=json.loads(Path(snakemake.input.deployed).read_text(encoding="utf-8")),
        fmt=snakemake.wildcards.fmt,
        base=Path(snakemake.input.base),
        rows=with_prompts(rows, snakemake.input.get("at_hand")),
        conversation=Conversation(**snakemake.params.chat),
        **snakemake.params.arguments,
        files=AnswerFiles(
            answers=answers,
            times=Path(snakemake.output.seconds),
            finished=unfinished(f"answers_{answers.stem}_ollama.jsonl"),
        ),
    )
