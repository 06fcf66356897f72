"""rule imatrix"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.calibration import calibrate
    from tatara.files.jsonl import read_jsonl
    from tatara.models.chat_template import Conversation

    calibrate(
        f16=Path(snakemake.input.f16),
        base=Path(snakemake.input.base),
        rows=read_jsonl(snakemake.input.subset),
        pairs=snakemake.params.pairs,
        text=Path(snakemake.output.text),
        output=Path(snakemake.output.matrix),
        conversation=Conversation(**snakemake.params.chat),
        threads=snakemake.threads,
    )
