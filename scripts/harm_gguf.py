"""rule harm_gguf"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.harm import HarmFiles, HarmSets
    from tatara.evaluate.harm_gguf import harm_gguf
    from tatara.files.jsonl import read_jsonl
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    model, fmt = snakemake.wildcards.model, snakemake.wildcards.fmt
    harm_gguf(
        file=Path(snakemake.input.gguf),
        model=model,
        fmt=fmt,
        base=Path(snakemake.input.base),
        sets=HarmSets(read_jsonl(snakemake.input.neutral), read_jsonl(snakemake.input.questions)),
        conversation=Conversation(**snakemake.params.chat),
        **snakemake.params.arguments,
        threads=snakemake.threads,
        files=HarmFiles(output=Path(snakemake.output[0]), finished=unfinished(f"harm_{model}_{fmt}.jsonl")),
    )
