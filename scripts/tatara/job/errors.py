"""The error for bad input: it names the file and line or the key, what was expected, and the remedy."""

from collections.abc import Iterable

MOST_PROBLEMS = 20  # more than this at once helps nobody
EXAMPLES = 3  # of each kind, where there are more problems than that
OTHERS = "others"  # the kind of what has none


class InputError(ValueError):
    """Bad input, with a message that its user can act upon."""


class Problem(str):
    """The message of one problem, counted under a kind, a plural such as `nodes without a description`."""

    kind: str

    def __new__(cls, kind: str, message: str):
        problem = super().__new__(cls, message)
        problem.kind = kind
        return problem


def raise_problems(problems: Iterable[str]) -> None:
    """Raise one InputError that lists the problems found, one a line; return when there are none.

    Up to 20 problems are all shown. Of more, each kind is counted first, then three examples of each kind follow; a
    problem that is no `Problem` belongs to no kind, and 20 of those are shown.
    """
    problems = list(problems)
    if not problems:
        return
    if len(problems) <= MOST_PROBLEMS:
        raise InputError("\n".join(problems))
    kinds: dict[str, list[str]] = {}
    for problem in problems:
        kinds.setdefault(getattr(problem, "kind", OTHERS), []).append(problem)
    counts = "; ".join(f"{len(messages)} {kind}" for kind, messages in kinds.items())
    lines = [f"{len(problems)} problems: {counts}"] if kinds.keys() != {OTHERS} else []
    for kind, messages in kinds.items():
        most = MOST_PROBLEMS if kind == OTHERS else EXAMPLES
        lines += messages[:most]
        if len(messages) > most:
            lines.append(f"… and {len(messages) - most} more" + ("" if kind == OTHERS else f" {kind}"))
    raise InputError("\n".join(lines))
