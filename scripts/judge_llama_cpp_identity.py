"""rule judge_llama_cpp_identity"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.judge_llama_cpp import write_identity

    write_identity(Path(snakemake.params.file), Path(snakemake.output[0]))
