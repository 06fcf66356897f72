"""rule measure_recipe"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.data.questions import spread
    from tatara.evaluate.recipe import RecipeFiles, measure_recipe
    from tatara.files.jsonl import read_jsonl
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation

    given, name = snakemake.input, f"recipe_{snakemake.wildcards.arm}"
    measure_recipe(
        name=name,
        model=snakemake.params.model,
        base=Path(given.base),
        adapter=Path(given.adapter[0]).parent if given.adapter else None,
        rows=spread(read_jsonl(given.dev), snakemake.params.limit),
        items=read_jsonl(given.probe_items),
        neutral=read_jsonl(given.neutral) if given.get("neutral") else [],
        conversation=Conversation(**snakemake.params.chat),
        precision=snakemake.params.precision,
        **snakemake.params.arguments,
        threads=snakemake.threads,
        files=RecipeFiles(**{key: Path(path) for key, path in snakemake.output.items()}),
        unfinished=unfinished(name),
    )
