"""rules nll_scale, nll_nf4, nll_scale_base and nll_base"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated, spread
    from tatara.evaluate.nll_adapter import nll_adapter
    from tatara.files.jsonl import read_jsonl
    from tatara.models.chat_template import Conversation

    dev, adapter = snakemake.input.get("dev"), snakemake.input.get("adapter")
    nll_adapter(
        base=Path(snakemake.input.base),
        adapter=Path(adapter[0]).parent if adapter else None,
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        development=spread(read_jsonl(dev), snakemake.params.questions["limit"]) if dev else [],
        items=read_jsonl(snakemake.input.probe_items),
        output=Path(snakemake.output.nll),
        probe=Path(snakemake.output.probe),
        name=snakemake.params.name,
        model=snakemake.wildcards.model,
        conversation=Conversation(**snakemake.params.chat),
        precision=snakemake.params.precision,
        threads=snakemake.threads,
    )
