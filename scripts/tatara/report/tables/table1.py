"""Table 1: training loss and cost by size."""

import pandas

from tatara.measure.results import read_json
from tatara.report.numbers import duration, size
from tatara.report.tables.columns import count, decimals
from tatara.report.text_table import Column, Layout

COLUMNS = ("n", "final_loss", "mean_loss", "seconds", "samples_per_second", "tokens_per_second", "peak_memory_bytes")
LOSS = {
    "n": count("n"),
    "Final loss": decimals("final_loss", 4),
    "Average loss": decimals("mean_loss", 4),
    "Time": Column(lambda row: duration(row["seconds"])),
}
LAYOUT = Layout(
    "Table 1. Training loss and cost by size",
    "Loss in nats per answer token: of the last step, and the mean over all steps. Means over seeds where there are "
    "several.",
    {
        **LOSS,
        "Samples/s": decimals("samples_per_second"),
        "Tokens/s": decimals("tokens_per_second", 0),
        "Peak memory": Column(lambda row: size(row["peak_memory_bytes"])),
        "Seeds": count("seeds"),
    },
)
PAPER = Layout("The paper's Table 1", "Losses in nats per answer token.", LOSS)


def table1(*, train: list[str]) -> pandas.DataFrame:
    """Return training loss and cost by size (paper Table 1), the mean over seeds.

    Args:
        train: train.json of each stage 1 run; losses in nats an answer token, times in seconds, memory in bytes.
    """
    runs = pandas.DataFrame([{key: report[key] for key in COLUMNS} for report in map(read_json, train)])
    table = runs.groupby("n", as_index=False).mean(numeric_only=True)
    table.insert(1, "seeds", runs.groupby("n").size().to_numpy())
    return table
