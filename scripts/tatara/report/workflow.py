"""What the workflow itself says of its stages: which rules they have and what flows between them. For figure 1."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace


def _examples(patterns: Iterable, example: dict[str, str]) -> list[str]:
    """Return the paths of a rule's inputs for one job; functions are asked with example wildcards."""
    found = []
    for item in patterns:
        if callable(item):  # a function of a checkpoint's outcome says what it is drawn as
            paths = getattr(item, "drawn_as", None) or item(SimpleNamespace(**example, get=example.get))
        else:
            paths = item
        for path in [paths] if isinstance(paths, str) else paths:
            text = str(path)
            for name, value in example.items():
                text = text.replace(f"{{{name}}}", value)
            found.append(text)
    return found


def stages(rules: Iterable, example: dict[str, str]) -> dict:
    """Return `{"stages": {stage: [rule, …]}, "flows": [[from, to], …]}`; a stage is a file of rules, in the order of
    the Snakefile.

    Args:
        rules: the workflow's rules, each with `name`, `snakefile`, `input` and `output`.
        example: a value for each wildcard.
    """
    grouped: dict[str, list[str]] = {}
    makers = []
    for rule in rules:
        if not rule.output:
            continue
        stage = Path(rule.snakefile).stem
        grouped.setdefault(stage, []).append(rule.name)
        makers += [(stage, pattern) for pattern in rule.output]
    flows = set()
    for rule in rules:
        if not rule.output:
            continue
        stage = Path(rule.snakefile).stem
        for path in _examples(rule.input, example):
            makers_of = {maker for maker, pattern in makers if pattern.match(path)}
            flows |= {(maker, stage) for maker in makers_of if maker != stage}
    return {"stages": grouped, "flows": sorted(flows)}
