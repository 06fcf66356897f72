"""rule harm_sets"""

from tatara.job.run import job

with job(snakemake):
    from tatara.data.harm import load_neutral, load_questions
    from tatara.data.toc import read_toc
    from tatara.files.jsonl import write_jsonl

    neutral = load_neutral(snakemake.input.neutral)
    questions = load_questions(snakemake.input.false_premise, snakemake.input.outside, read_toc(snakemake.input.toc))
    write_jsonl(snakemake.output.neutral, neutral)
    write_jsonl(snakemake.output.questions, questions)
