"""The stages as the workflow itself has them: their rules, and what flows between them. For figure 1."""

from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace


def _examples(patterns: Iterable, example: dict[str, str]) -> list[str]:
    """Return the paths of a rule's inputs for one job; functions are asked with example wildcards."""
    paths = []
    for item in patterns:
        if callable(item):  # a function of a checkpoint's outcome says what it is drawn as
            files = getattr(item, "drawn_as", None) or item(SimpleNamespace(**example, get=example.get))
        else:
            files = item
        for path in [files] if isinstance(files, str) else files:
            text = str(path)
            for name, value in example.items():
                text = text.replace(f"{{{name}}}", value)
            paths.append(text)
    return paths


def stages(rules: Iterable, example: dict[str, str]) -> dict:
    """Return `{"stages": {stage: [rule, …]}, "flows": [[from, to], …]}`, in the order of the Snakefile.

    A stage is a file of rules.

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
    # A stage that this study has no use for, such as a hub that no model is from, is not drawn.
    used = {stage for flow in flows for stage in flow}
    return {"stages": {stage: names for stage, names in grouped.items() if stage in used}, "flows": sorted(flows)}
