"""The configuration: a study file and the domain file that it names, read strictly, joined, completed with defaults.

The keys of the study file win over those of the domain file; mappings are joined key by key, lists are replaced. A
study file that holds everything needs no domain file.
"""

import copy
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tatara.files.config_checks import Fault, check_across
from tatara.files.json_schema import schema_errors
from tatara.files.strict_yaml import Lines, read_yaml, read_yaml_lines
from tatara.job.errors import InputError

DOMAIN = "domain"  # the key of a study file that names its domain file


@dataclass(frozen=True)
class Source:
    """What one file, or the command line, says of the configuration.

    Attributes:
        name: how messages call it, empty where nobody knows.
        lines: path of each key -> line of the file, 0 where there is no file.
    """

    name: str
    content: dict
    lines: Lines

    def place(self, path: tuple) -> str:
        """Return the place of a key, or of the nearest one above it, as a message begins with it."""
        line = self.lines[self.nearest(path)]
        return f"{self.name}:{line}: " if line else f"{self.name}: " if self.name else ""

    def nearest(self, path: tuple) -> tuple:
        """Return the path itself where this source has it, else the longest beginning that it has."""
        return next(path[:length] for length in range(len(path), -1, -1) if path[:length] in self.lines)


def _without_file(name: str, content: dict) -> Source:
    lines: Lines = {(): 0}
    waiting = [((), content)]
    while waiting:
        above, mapping = waiting.pop()
        for key, value in mapping.items():
            lines[*above, key] = 0
            if isinstance(value, dict):
                waiting.append(((*above, key), value))
    return Source(name, content, lines)


def join(base: object, over: object) -> object:
    """Return `over` laid on `base`: mappings joined key by key, anything else replaced."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    return base | {key: join(base[key], value) if key in base else value for key, value in over.items()}


def complete(schema: dict, value: object) -> object:
    """Return a value with the schema's defaults where it has none; keys that the schema names come in its order."""
    if not isinstance(value, dict):
        return value
    known = schema.get("properties", {})
    filled = {}
    for key, part in known.items():
        if key in value or "default" in part:
            filled[key] = complete(part, value[key] if key in value else copy.deepcopy(part["default"]))
    others = schema.get("additionalProperties")
    for key in value:
        if key not in known:
            filled[key] = complete(others, value[key]) if isinstance(others, dict) else value[key]
    return filled


def _read_source(file: Path | str) -> Source:
    content, lines = read_yaml_lines(file)
    if not isinstance(content, dict):
        raise InputError(f"{file}:1: expected keys such as study: and models: (docs/new-domain.md)")
    return Source(str(file), content, lines)


def _read_domain(sources: list[Source], repository: Path) -> list[Source]:
    """Return the domain file that the last of the sources to name one names; [] where none does."""
    naming = [source for source in sources if source.content.get(DOMAIN) is not None]
    if not naming:
        return []
    path, where = naming[-1].content[DOMAIN], naming[-1].place((DOMAIN,))
    if not isinstance(path, str) or not os.path.isfile(repository / path):  # noqa: PTH113  (a name can be too long)
        raise InputError(
            f"{where}config key {DOMAIN} is {path!r}: expected a file such as config/domains/river.yaml, its path "
            "relative to the repository"
        )
    source = _read_source(repository / path)
    if DOMAIN in source.content:
        raise InputError(f"{source.place((DOMAIN,))}config key {DOMAIN}: a domain file names no other; remove it")
    return [source]


def _owner(sources: list[Source], path: tuple) -> Source:
    """Return the source whose key counts; of a key that nobody has, the one that has most of its path, files first."""
    holders = [source for source in sources if path in source.lines]
    if holders:
        return holders[-1]
    return max(reversed(sources), key=lambda source: (len(source.nearest(path)), source.lines[()]))


def _checked(sources: list[Source], repository: Path) -> dict:
    """Join sources, the later over the earlier, lay them on the domain file, check and complete the whole."""
    schema = read_yaml(repository / "config" / "schema.yaml")
    sources = [*_read_domain(sources, repository), *sources]
    config: object = {}
    for source in sources:
        config = join(config, source.content)
    faults: list[Fault] = schema_errors(config, schema, "config key")
    if not faults:
        config = complete(schema, config)
        config.pop(DOMAIN, None)
        faults = check_across(config)
    if faults:
        messages = [f"{_owner(sources, path).place(path)}{message}" for path, message in faults]
        raise InputError("the configuration has errors:\n  " + "\n  ".join(messages))
    return config


def check_config(config: dict, repository: Path | str) -> dict:
    """Return a configuration joined with its domain file, with every default filled in.

    Args:
        config: what a study file holds.
        repository: the folder that the configuration's paths are relative to.

    Raises:
        InputError: names each key that is unknown, missing or wrong, with what was expected.
    """
    return _checked([_without_file("", copy.deepcopy(config))], Path(repository))


def read_config(files: Sequence[Path | str], repository: Path | str, overrides: dict | None = None) -> dict:
    """Return the configuration of study files, joined with the domain file, with every default filled in.

    Args:
        files: study files; the keys of a later one win.
        repository: the folder that the configuration's paths are relative to, with config/schema.yaml.
        overrides: keys that win over those of the files, from Snakemake's option --config.

    Raises:
        InputError: a file that is no YAML (file, line), and each key that is unknown, missing or wrong (file, line,
            what was expected).
    """
    sources = [_read_source(file) for file in files]
    if overrides:
        sources.append(_without_file("--config", dict(overrides)))
    return _checked(sources, Path(repository))
