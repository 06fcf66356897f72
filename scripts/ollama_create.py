"""rule ollama_create"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import evaluated
    from tatara.evaluate.deploy import deploy
    from tatara.evaluate.modelfile import recipe
    from tatara.llm.ollama import Server
    from tatara.models.chat_template import Conversation

    base, file = Path(snakemake.input.base), Path(snakemake.input.gguf)
    template = snakemake.input.get("template")
    deploy(
        name=snakemake.params.name,
        recipe=recipe(
            **snakemake.params.recipe,
            conversation=Conversation(**snakemake.params.chat),
            base=base,
            file=file,
            own_template=template,
        ),
        file=file,
        base=base,
        rows=evaluated(snakemake.input.testset, **snakemake.params.questions),
        server=Server(snakemake.params.ollama["url"], snakemake.params.ollama["timeout"]),
        output=Path(snakemake.output[0]),
        threads=snakemake.threads,
    )
