"""rules answers_nf4 and answers_base, and both with the graph at hand"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated, with_prompts
    from tatara.evaluate.answers import AnswerFiles
    from tatara.evaluate.answers_nf4 import answer_nf4
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    rows = evaluated(snakemake.input.testset, **snakemake.params.questions)
    answers, adapter = Path(snakemake.output.answers), snakemake.input.get("adapter")
    answer_nf4(
        base=Path(snakemake.input.base),
        adapter=Path(adapter[0]).parent if adapter else None,
        rows=with_prompts(rows, snakemake.input.get("at_hand")),
        conversation=Conversation(**snakemake.params.chat),
        precision=snakemake.params.precision,
        **snakemake.params.arguments,
        threads=snakemake.threads,
        files=AnswerFiles(
            answers=answers,
            times=Path(snakemake.output.seconds),
            finished=unfinished(f"answers_{answers.name}"),
        ),
    )
