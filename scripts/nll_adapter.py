"""rules nll_scale and nll_nf4"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated, spread
    from tatara.evaluate.nll_adapter import nll_adapter
    from tatara.files.jsonl import read_jsonl
    from tatara.models.chat_template import Conversation

    dev = snakemake.input.get("dev")
    nll_adapter(
        base=Path(snakemake.input.base),
        adapter=Path(snakemake.input.adapter[0]).parent,
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
