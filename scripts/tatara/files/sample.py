"""Some of many, evenly spaced."""


def evenly_spaced(rows: list, count: int) -> list:
    """Return `count` rows that are evenly spaced in the order given, or all where there are no more."""
    return rows if count >= len(rows) else [rows[index * len(rows) // count] for index in range(count)]
