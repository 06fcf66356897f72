"""Prompt files of judges and of augmentation: Jinja templates that can reach nothing but the values they are given."""

import traceback
from pathlib import Path

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from tatara.job.errors import InputError


def fill_prompt(template: str, where: Path | str, values: dict) -> str:
    """Return a prompt.

    Args:
        template: what the prompt file holds; where: its path, for messages.
        values: name -> text or list of texts, two or more; the names are all that the template may use.

    Raises:
        InputError: no Jinja template, one that cannot be filled in, or that names something else (file and line).
    """
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    try:
        return environment.from_string(template).render(values)
    except Exception as error:  # besides Jinja's own errors, what a template's expressions may raise: {{ 1 / 0 }}
        frames = traceback.extract_tb(error.__traceback__)
        line = getattr(error, "lineno", None) or next(
            (frame.lineno for frame in reversed(frames) if frame.filename == "<template>"), None
        )
        place = f"{where}:{line}" if line else str(where)
        *names, last = values
        raise InputError(
            f"{place}: {error}; the prompt may use {', '.join(names)} and {last}, in Jinja's syntax"
        ) from None
