"""rule harm_adapter"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.harm import HarmFiles, HarmSets
    from tatara.evaluate.harm_adapter import harm_adapter
    from tatara.files.jsonl import read_jsonl
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    model, fmt = snakemake.wildcards.model, snakemake.wildcards.fmt
    adapter = snakemake.input.adapter
    harm_adapter(
        base=Path(snakemake.input.base),
        adapter=Path(adapter[0]).parent if adapter else None,
        model=model,
        fmt=fmt,
        sets=HarmSets(read_jsonl(snakemake.input.neutral), read_jsonl(snakemake.input.questions)),
        conversation=Conversation(**snakemake.params.chat),
        precision=snakemake.params.precision,
        **snakemake.params.arguments,
        threads=snakemake.threads,
        files=HarmFiles(output=Path(snakemake.output[0]), finished=unfinished(f"harm_{model}_{fmt}.jsonl")),
    )
