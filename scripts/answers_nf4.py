"""rule answers_nf4"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.answers import AnswerFiles
    from tatara.evaluate.answers_nf4 import answer_nf4
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    answer_nf4(
        base=Path(snakemake.input.base),
        adapter=Path(snakemake.input.adapter[0]).parent,
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        conversation=Conversation(**snakemake.params.chat),
        precision=snakemake.params.precision,
        **snakemake.params.arguments,
        threads=snakemake.threads,
        files=AnswerFiles(
            answers=Path(snakemake.output.answers),
            times=Path(snakemake.output.seconds),
            finished=unfinished(f"answers_{snakemake.wildcards.model}_nf4.jsonl"),
        ),
    )
