"""The error for bad input: it names the file and line or the key, what was expected, and the remedy."""

MOST_PROBLEMS = 20  # more than this at once helps nobody


class InputError(ValueError):
    """Bad input, with a message that its user can act upon."""


def raise_problems(problems: list[str]) -> None:
    """Raise one InputError that lists the problems found, one a line; return when there are none.

    Args:
        problems: one message each; the first 20 are shown, the number of the others is stated.
    """
    if not problems:
        return
    shown = problems[:MOST_PROBLEMS]
    if len(problems) > len(shown):
        shown = [*shown, f"… and {len(problems) - len(shown)} more"]
    raise InputError("\n".join(shown))
