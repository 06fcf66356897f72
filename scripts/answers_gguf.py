"""rule answers_gguf"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.answers import AnswerFiles
    from tatara.evaluate.answers_gguf import answer_gguf
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    model, fmt = snakemake.wildcards.model, snakemake.wildcards.fmt
    answer_gguf(
        file=Path(snakemake.input.gguf),
        fmt=fmt,
        base=Path(snakemake.input.base),
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        conversation=Conversation(**snakemake.params.chat),
        **snakemake.params.arguments,
        threads=snakemake.threads,
        files=AnswerFiles(
            answers=Path(snakemake.output.answers),
            times=Path(snakemake.output.seconds),
            finished=unfinished(f"answers_{model}_{fmt}.jsonl"),
        ),
    )
