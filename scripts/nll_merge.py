"""rule nll_merge"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.nll_merge import nll_merge
    from tatara.files.jsonl import read_jsonl
    from tatara.models.chat_template import Conversation

    nll_merge(
        model=snakemake.wildcards.model,
        base=Path(snakemake.input.base),
        adapter=Path(snakemake.input.adapter[0]).parent,
        merged=Path(snakemake.input.merged),
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        items=read_jsonl(snakemake.input.probe_items),
        output=Path(snakemake.output.nll),
        probe=Path(snakemake.output.probe),
        conversation=Conversation(**snakemake.params.chat),
        precision=snakemake.params.precision,
        threads=snakemake.threads,
    )
