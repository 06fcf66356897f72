"""rule nll_gguf"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.nll_gguf import nll_gguf
    from tatara.models.chat_template import Conversation

    nll_gguf(
        file=Path(snakemake.input.gguf),
        base=Path(snakemake.input.base),
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        output=Path(snakemake.output[0]),
        name=snakemake.params.name,
        model=snakemake.wildcards.model,
        conversation=Conversation(**snakemake.params.chat),
        context=snakemake.params.context,
        threads=snakemake.threads,
    )
