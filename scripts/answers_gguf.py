"""rules answers_gguf and answers_gguf_graph"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated, with_prompts
    from tatara.evaluate.answers import AnswerFiles
    from tatara.evaluate.answers_gguf import answer_gguf
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    rows = evaluated(snakemake.input.testset, **snakemake.params.questions)
    answers = Path(snakemake.output.answers)
    answer_gguf(
        file=Path(snakemake.input.gguf),
        fmt=snakemake.wildcards.fmt,
        base=Path(snakemake.input.base),
        rows=with_prompts(rows, snakemake.input.get("at_hand")),
        conversation=Conversation(**snakemake.params.chat),
        **snakemake.params.arguments,
        threads=snakemake.threads,
        files=AnswerFiles(
            answers=answers,
            times=Path(snakemake.output.seconds),
            finished=unfinished(f"answers_{answers.name}"),
        ),
    )
