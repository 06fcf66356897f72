"""A base model as it is to be trained: its text part, what gets an adapter, and what its weights are in."""

import logging
from dataclasses import dataclass
from pathlib import Path

from tatara.models import loading, text_part
from tatara.models.lora_targets import Targets, choose_targets, skeleton

logger = logging.getLogger("tatara")


@dataclass(frozen=True)
class Trainable:
    """A base model as it is to be trained.

    Attributes:
        config: transformers configuration of its text part.
        targets: what gets an adapter.
        precision: `train.base_precision`.
        left_out: what of its folder is no text (`text_part.left_out`).
    """

    config: object
    targets: Targets
    precision: str
    left_out: dict | None


def describe(folder: Path, settings: dict) -> Trainable:
    """Return what is to be trained of the model in a folder, and log what is not.

    Args:
        settings: the `train` section of the config.

    Raises:
        InputError: a pattern of `train.target_modules` matches nothing, or there is no text part to train.
    """
    config, left_out = loading.read_config(folder), text_part.left_out(folder)
    targets = choose_targets(skeleton(config), settings["target_modules"])
    bare = f", none of {', '.join(targets.bare)} (config key train.target_modules)" if targets.bare else ""
    logger.info("the adapter covers %.1f %% of the decoder's weights%s", 100 * targets.coverage["share"], bare)
    if left_out:
        message = "%s: its text part alone is trained; %d weights are left out: %s"
        logger.info(message, left_out["class"], left_out["weights"], ", ".join(left_out["modules"]))
    return Trainable(config, targets, settings["base_precision"], left_out)
