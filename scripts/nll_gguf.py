"""rule nll_gguf"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.nll_gguf import nll_gguf
    from tatara.files.jsonl import read_jsonl
    from tatara.models.chat_template import Conversation

    nll_gguf(
        file=Path(snakemake.input.gguf),
        base=Path(snakemake.input.base),
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        items=read_jsonl(snakemake.input.probe_items),
        output=Path(snakemake.output.nll),
        probe=Path(snakemake.output.probe),
        name=snakemake.params.name,
        model=snakemake.wildcards.model,
        conversation=Conversation(**snakemake.params.chat),
        context=snakemake.params.context,
        threads=snakemake.threads,
    )
