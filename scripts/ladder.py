"""rule ladder"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated, spread
    from tatara.evaluate.ladder import ladder
    from tatara.files.jsonl import read_jsonl
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    matrix = snakemake.input.matrix
    ladder(
        model=snakemake.wildcards.model,
        f16=Path(snakemake.input.f16),
        quantized={Path(file).stem.rpartition("-")[2]: Path(file) for file in snakemake.input.made},
        imatrix=Path(matrix if isinstance(matrix, str) else matrix[0]) if matrix else None,
        variants=snakemake.params.variants,
        base=Path(snakemake.input.base),
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        development=spread(read_jsonl(snakemake.input.dev), snakemake.params.questions["limit"]),
        probe_items=read_jsonl(snakemake.input.probe_items),
        output=Path(snakemake.output.ladder),
        probe=Path(snakemake.output.probe),
        times=Path(snakemake.output.seconds),
        finished=unfinished(f"ladder_{snakemake.wildcards.model}.jsonl"),
        conversation=Conversation(**snakemake.params.chat),
        context=snakemake.params.context,
        threads=snakemake.threads,
    )
