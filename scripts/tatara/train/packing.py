"""Whether the samples of a forward pass may lie one behind another in one row."""

import logging

import torch

from tatara.job.errors import InputError

logger = logging.getLogger("tatara")
LENGTH = 16  # tokens of each of the two samples that a model is tried with


def keeps_samples_apart(model) -> bool:
    """Return whether a model computes the second sample of a packed row without a look at the first.

    It is tried with two rows that differ in their first sample alone. A class whose layers carry a state from token to
    token (LFM2), or that loses the positions on the way to its attention mask (gpt-oss in transformers 5.17), gives
    the second sample other logits; of the others they differ by rounding at most.
    """
    one, other, second = torch.arange(3 * LENGTH).remainder(model.config.vocab_size).view(3, LENGTH)
    positions = torch.arange(LENGTH).repeat(2)[None].to(model.device)
    training, found = model.training, []
    model.eval()
    with torch.inference_mode():
        for first in (one, other):
            row = torch.cat([first, second])[None].to(model.device)
            logits = model(input_ids=row, position_ids=positions, use_cache=False).logits
            found.append(logits[0, LENGTH:])
    model.train(training)
    difference = (found[0] - found[1]).float().norm() / found[0].float().norm()
    return difference.item() <= torch.finfo(found[0].dtype).eps ** 0.5


def choose_packing(choice: bool | str, backend: str, place: torch.device, model) -> bool:
    """Return whether the samples of a forward pass lie in one row, for `auto` or a choice of the user's that the
    backend can do.

    Args:
        choice: `train.packing`.
        model: as it is trained; it is tried where packing is wanted.

    Raises:
        InputError: packing is asked for, and one sample would change the next in the model.
    """
    if backend != "trl":
        return backend == "fused"
    wanted = place.type == "cuda" if choice == "auto" else choice
    if not wanted or keeps_samples_apart(model):
        return wanted
    message = f"in {model.config.model_type} one packed sample changes the next"
    if choice is True:
        raise InputError(f"config key train.packing is true, but {message}: set it to auto")
    logger.info("train.packing auto: no, since %s", message)
    return False
