"""rule train_recipe"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation
    from tatara.train.qlora import train

    arm, run = snakemake.params.arm, f"recipe_{snakemake.wildcards.arm}"
    train(
        base=Path(snakemake.input.base),
        subset=Path(snakemake.input.subset),
        general=Path(snakemake.input.general[0]) if snakemake.input.general else None,
        adapter=Path(snakemake.output.report).parent,
        report=Path(snakemake.output.report),
        checkpoint_folder=unfinished(run),
        settings=arm["train"],
        lora=arm["lora"],
        conversation=Conversation(**snakemake.params.chat),
        run=run,
        model_name=arm["model"],
        seed=arm["seed"],
        threads=snakemake.threads,
    )
