"""The record of a base model, base.json: where it is from, and what is known of its making."""

import logging
from pathlib import Path

from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.models import text_part

logger = logging.getLogger("tatara")


def write_record(folder: Path, model: str, kind: str, content: dict) -> None:
    """Write base.json into the folder of a base model.

    Args:
        kind: `hub`, `path` or `scratch`, as the config has it.
        content: what else is known; what of the model is no text, and so is not used, is added (`text_part.left_out`).

    Raises:
        InputError: the folder holds no safetensors weights.
    """
    if not list(folder.glob("*.safetensors")):
        raise InputError(
            f"config key models.{model}.source: the model has no safetensors weights; other kinds of weights are not "
            "loaded"
        )
    if left_out := text_part.left_out(folder):
        content = content | {"left_out": left_out}
    write_json(folder / "base.json", {"model": model, "source": kind, **content})
    logger.info("%s: %s", model, content)
