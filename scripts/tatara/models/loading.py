"""Loading of tokenizers and models, in 16 bits or NF4, with or without an adapter; never from a hub."""

import contextlib
import inspect
import logging
import os
import random
from pathlib import Path

import numpy
import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING
from transformers.utils import logging as transformers_logging

from tatara.job.errors import InputError
from tatara.job.gpus import MEMORY_LIMIT
from tatara.models import nf4, text_part

logger = logging.getLogger("tatara")


def prepare(seed: int, threads: int) -> None:
    """Fix everything random and the number of threads; the order of floating-point sums depends on both."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    random.seed(seed)
    numpy.random.seed(seed)
    torch.manual_seed(seed)
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Nothing here reads memory that it did not write, and filling it takes 8 % of training on the CPU.
    torch.utils.deterministic.fill_uninitialized_memory = False
    # cuDNN plans its attention anew for every length of a row: of a small model's step on a GPU that is most.
    torch.backends.cuda.enable_cudnn_sdp(False)


def device(choice: str) -> torch.device:
    """Return the device for `auto`, `cpu` or `cuda`.

    On a GPU this process then gets no more memory than Snakemake's resource `gpu_memory_gib` allows.
    """
    if choice == "auto":
        choice = "cuda" if torch.cuda.is_available() else "cpu"
    limit = os.environ.get(MEMORY_LIMIT)
    if choice == "cuda" and limit:
        whole = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, float(limit) * 2**30 / whole))
    return torch.device(choice)


def compute_dtype(place: torch.device) -> torch.dtype:
    """Return bf16 on a GPU (paper §5.1) and float32 on the CPU, where most processors have no bf16 arithmetic."""
    return torch.bfloat16 if place.type == "cuda" else torch.float32


def distribute(model, place: torch.device):
    """Put a model on its device; of one too large for the GPU, the last layers stay in main memory and visit the GPU
    one by one.

    A fifth of the GPU's room is left to what a forward pass needs.
    """
    if place.type == "cpu":
        return model.to(place)
    from accelerate import dispatch_model, infer_auto_device_map

    free, whole = torch.cuda.mem_get_info()
    limit = os.environ.get(MEMORY_LIMIT)
    room = min(free, float(limit) * 2**30 - torch.cuda.memory_reserved() if limit else whole)
    device_map = infer_auto_device_map(model, {0: int(0.8 * room), "cpu": 2**50}, model._no_split_modules)
    outside = sum(device == "cpu" for device in device_map.values())
    if outside:
        logger.info(
            "%d of %d parts of the model do not fit into %.1f GiB of GPU memory and stay in main memory",
            outside,
            len(device_map),
            room / 2**30,
        )
    return dispatch_model(model, device_map)


def read_config(folder: Path):
    """Return the transformers configuration of a model folder; of one that also sees or hears, its text part's.

    Raises:
        InputError: transformers has no language model for that text part.
    """
    whole = AutoConfig.from_pretrained(folder, local_files_only=True)
    text = whole.get_text_config()
    if text is whole:
        return whole
    if type(text) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        raise InputError(
            f"{folder}: the text part of {whole.architectures[0]} ({text.model_type}) is no language model of its own "
            "in transformers: take the model's text-only sibling"
        )
    text.tie_word_embeddings = not text_part.has_head(folder)
    return text


def load_causal(folder: Path, **options):
    """Load a causal language model; of a model that also sees or hears, its text part alone.

    Args:
        options: of transformers' `from_pretrained`.

    Raises:
        InputError: the folder lacks weights of the text part.
    """
    if text_part.left_out(folder) is None:
        return AutoModelForCausalLM.from_pretrained(folder, local_files_only=True, **options)
    config = read_config(folder)
    model, report = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)].from_pretrained(
        folder,
        config=config,
        key_mapping=text_part.TEXT_NAMES,
        output_loading_info=True,
        local_files_only=True,
        **options,
    )
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise InputError(f"{folder}: {len(missing)} tensors of its text part are not there, {missing[0]} among them")
    model._weight_conversions = None  # or save_pretrained would write the names of the whole model again
    return model


def load_model(folder: Path, place: torch.device, dtype: torch.dtype | None = None):
    """Load a model in 16 bits (GPU) or float32 (CPU), for evaluation."""
    return distribute(load_causal(folder, dtype=dtype or compute_dtype(place)), place).eval()


def load_base(folder: Path, place: torch.device, precision: str):
    """Load a model as it is trained and as its adapter is evaluated.

    Args:
        precision: `train.base_precision`: `nf4`, or `bf16`, which is computed in float32 on a CPU.
    """
    dtype = compute_dtype(place)
    if precision != "nf4":
        return load_causal(folder, dtype=dtype, device_map={"": place}).eval()
    quantization = nf4.nf4_config(dtype)
    model = load_causal(folder, dtype=dtype, device_map={"": place}, quantization_config=quantization)
    return nf4.same_on_every_cpu(model).eval()


def load_adapted(folder: Path, adapter: Path | None, place: torch.device, precision: str):
    """Load a base with a trained adapter, the very model that was trained, or without one where there is none."""
    if adapter is None:
        return load_base(folder, place, precision)
    from peft import PeftModel

    return PeftModel.from_pretrained(load_base(folder, place, precision), str(adapter), is_trainable=False).eval()


def cuts_logits(model) -> bool:
    """Return whether a model, adapted or not, leaves out the logits that are not asked for (`logits_to_keep`)."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    return "logits_to_keep" in inspect.signature(plain.forward).parameters


@contextlib.contextmanager
def inference():
    """No gradients, no changes."""
    with torch.inference_mode():
        yield
