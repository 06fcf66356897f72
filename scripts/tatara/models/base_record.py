"""The record of a base model, base.json: where it is from, and what is known of its making."""

import logging
from pathlib import Path

from tatara.files.text import write_json
from tatara.job.errors import InputError

logger = logging.getLogger("tatara")


def write_record(folder: Path, model: str, kind: str, content: dict) -> None:
    """Write base.json into the folder of a base model.

    Args:
        kind: `hub`, `path` or `scratch`, as the config has it.

    Raises:
        InputError: the folder holds no safetensors weights.
    """
    if not list(folder.glob("*.safetensors")):
        raise InputError(
            f"config key models.{model}.source: the model has no safetensors weights; other kinds of weights are not "
            "loaded"
        )
    write_json(folder / "base.json", {"model": model, "source": kind, **content})
    logger.info("%s: %s", model, content)
