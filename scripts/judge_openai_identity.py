"""rule judge_openai_identity"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.judge_server import write_identity
    from tatara.llm.openai import Server

    settings = snakemake.params.settings
    server = Server(settings["url"], settings["timeout"], settings["key_env"])
    write_identity(server, settings["model"], settings["context"], Path(snakemake.output[0]))
