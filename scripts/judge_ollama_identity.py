"""rule judge_ollama_identity"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.judge_server import write_identity
    from tatara.llm.ollama import Server

    settings = snakemake.params.settings
    server = Server(settings["url"], settings["timeout"])
    write_identity(server, settings["model"], settings["context"], Path(snakemake.output[0]))
