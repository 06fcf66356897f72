"""What figures 2 and 4 share: the shares of subsets/quality.csv."""

import pandas


def shares_by_size(quality: pandas.DataFrame, metric: str, order: list[str]) -> pandas.DataFrame:
    """Return shares with keys as rows, in this order, and sizes as columns; a key that a size lacks has share 0."""
    rows = quality[quality["metric"] == metric]
    table = rows.pivot(index="key", columns="n", values="value").fillna(0.0)
    return table.reindex(
        [key for key in order if key in table.index] + [key for key in table.index if key not in order]
    )
