"""rule parity"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.graph_text import read_descriptions
    from tatara.data.questions import evaluated
    from tatara.evaluate.parity import parity
    from tatara.files.jsonl import read_jsonl
    from tatara.models.chat_template import Conversation

    parity(
        model=snakemake.wildcards.model,
        merged=Path(snakemake.input.merged),
        files={fmt: Path(path) for fmt, path in zip(snakemake.params.formats, snakemake.input.gguf, strict=True)},
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        descriptions=read_descriptions(snakemake.input.nodes),
        pairs=read_jsonl(snakemake.input.pairs),
        output=Path(snakemake.output[0]),
        conversation=Conversation(**snakemake.params.chat),
        settings=snakemake.params.settings,
        context=snakemake.params.context,
        threads=snakemake.threads,
    )
