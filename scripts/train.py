"""rules train_scale and train_selected"""

from pathlib import Path

from tatara.job.run import job

with job(snakemake):
    from tatara.job.scratch_folder import unfinished
    from tatara.models.chat_template import Conversation
    from tatara.train.qlora import train

    train(
        base=Path(snakemake.input.base),
        subset=Path(snakemake.input.subset),
        general=Path(snakemake.input.general[0]) if snakemake.input.general else None,
        adapter=Path(snakemake.output.report).parent,
        report=Path(snakemake.output.report),
        checkpoint_folder=unfinished(snakemake.params.run),
        settings=snakemake.params.settings,
        lora={"r": int(snakemake.wildcards.r), "alpha": snakemake.params.alpha, "dropout": snakemake.params.dropout},
        conversation=Conversation(**snakemake.params.chat),
        run=snakemake.params.run,
        model_name=snakemake.wildcards.model,
        seed=int(snakemake.wildcards.seed),
        threads=snakemake.threads,
    )
