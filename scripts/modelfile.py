"""rule modelfile"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.evaluate.modelfile import recipe
    from tatara.files.text import write_text
    from tatara.models.chat_template import Conversation

    file = Path(snakemake.input.gguf)
    template = snakemake.input.get("template")
    written = recipe(
        **snakemake.params.recipe,
        conversation=Conversation(**snakemake.params.chat),
        base=Path(snakemake.input.base),
        file=file,
        own_template=template,
    )
    write_text(snakemake.output[0], written.modelfile(f"../../gguf/{file.name}"))
