"""rules nll_scale and nll_nf4"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.nll_adapter import nll_adapter
    from tatara.models.chat_template import Conversation

    nll_adapter(
        base=Path(snakemake.input.base),
        adapter=Path(snakemake.input.adapter[0]).parent,
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        output=Path(snakemake.output[0]),
        name=snakemake.params.name,
        model=snakemake.wildcards.model,
        conversation=Conversation(**snakemake.params.chat),
        precision=snakemake.params.precision,
        threads=snakemake.threads,
    )
