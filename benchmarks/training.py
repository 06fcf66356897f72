"""QLoRA training on a GPU with 8 B shapes: tokens/s and memory of each recipe; writes benchmarks/training.csv.

Usage: python benchmarks/training.py [--folder FOLDER] [--output FILE] [--memory-limit GIB] [--steps N] [--profile]
       [RECIPE …] (default: all recipes; 6 GB of disk for the base, 16 GB of GPU memory; about 4 minutes on an H100)

The base has the shape of Llama 3 8B (8.03 B parameters) and random weights, written in NF4 as bitsandbytes saves them,
the same in each layer:
neither speed nor memory depends on what the weights say. The pairs are as long as the study's, about 300 tokens, 225 of
them the answer. Every recipe goes through `qlora.train` in a process of its own. Each sample is seen twice; the second
pass is timed, so compiling, the first allocations and the recipe's warm-up are left out. Tokens are real ones; padding
counts nothing.
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "scripts"))

SHAPE = {
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "rope_theta": 500000.0,
    "rms_norm_eps": 1e-5,
    "tie_word_embeddings": False,
}
PAPER = {
    "base_precision": "nf4",
    "target_modules": None,
    "backend": "unsloth",
    "packing": False,
    "batch_size": 8,
    "micro_batch_size": 2,
    "epochs": 2,
    "learning_rate": 2e-4,
    "warmup_ratio": 0.1,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "max_length": 1024,
    "checkpoint_steps": 10000,
    "gradient_checkpointing": True,
}
STAGE1, STAGE2 = {"r": 16, "alpha": 16, "dropout": 0.0}, {"r": 32, "alpha": 16, "dropout": 0.05}
PACKED = PAPER | {"packing": True, "micro_batch_size": None, "gradient_checkpointing": False}
# name -> settings, adapter, steps of a pass
RECIPES = {
    "fused": (PACKED | {"backend": "fused"}, STAGE1, 10),
    "unsloth 2 x 4 (the paper's)": (PAPER, STAGE1, 4),
    "trl 2 x 4": (PAPER | {"backend": "trl"}, STAGE1, 3),
    "fused stage 2": (PACKED | {"backend": "fused"}, STAGE2, 10),
    "fused 4 x 2": (PACKED | {"backend": "fused", "micro_batch_size": 4}, STAGE1, 10),
    "fused checkpointed": (PACKED | {"backend": "fused", "gradient_checkpointing": True}, STAGE1, 10),
}
PEAKS = ["peak_allocated_gib", "peak_reserved_gib", "memory_limit_gib"]
FIELDS = [
    "recipe",
    "card",
    "torch",
    "tokens_per_second",
    "samples_per_second",
    "step_ms",
    "tokens_per_sample",
    *PEAKS,
    "micro_batch_size",
    "first_loss",
    "last_loss",
]


def make_base(folder: Path) -> None:
    """Write an NF4 base of the shape with random weights, and a tokenizer trained on the graph's text."""
    import torch
    from bitsandbytes.functional import quantize_4bit
    from safetensors.torch import save_file
    from tatara.models import families, nf4
    from transformers import LlamaConfig

    folder.mkdir(parents=True)
    tokenizer = families.train_tokenizer(texts(), "llama3", 1024)
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        **SHAPE,
        dtype="bfloat16",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config.architectures = ["LlamaForCausalLM"]
    config.quantization_config = nf4.nf4_config(torch.bfloat16).to_dict()
    config.save_pretrained(folder)
    torch.manual_seed(0)
    width, wide, kv = SHAPE["hidden_size"], SHAPE["intermediate_size"], SHAPE["hidden_size"] // 4
    sizes = {
        "self_attn.q_proj": (width, width),
        "self_attn.k_proj": (kv, width),
        "self_attn.v_proj": (kv, width),
        "self_attn.o_proj": (width, width),
        "mlp.gate_proj": (wide, width),
        "mlp.up_proj": (wide, width),
        "mlp.down_proj": (width, wide),
    }
    index = {}

    def normal(*size):
        return torch.empty(size, dtype=torch.bfloat16, device="cuda").normal_(std=0.02)

    def save(name: str, tensors: dict) -> None:
        save_file(tensors, folder / name, metadata={"format": "pt"})
        index.update(dict.fromkeys(tensors, name))

    layer = {
        f"{norm}.weight": torch.ones(width, dtype=torch.bfloat16)
        for norm in ("input_layernorm", "post_attention_layernorm")
    }
    for name, size in sizes.items():
        packed, state = quantize_4bit(normal(*size), blocksize=64, compress_statistics=True, quant_type="nf4")
        layer |= {f"{name}.weight": packed} | {
            f"{name}.weight.{key}": value for key, value in state.as_dict(packed=True).items()
        }
    layer = {name: tensor.contiguous().cpu() for name, tensor in layer.items()}
    for number in range(SHAPE["num_hidden_layers"]):
        save(
            f"layer-{number:02}.safetensors",
            {f"model.layers.{number}.{name}": tensor for name, tensor in layer.items()},
        )
    save(
        "rest.safetensors",
        {
            "model.embed_tokens.weight": normal(SHAPE["vocab_size"], width).cpu(),
            "lm_head.weight": normal(SHAPE["vocab_size"], width).cpu(),
            "model.norm.weight": torch.ones(width, dtype=torch.bfloat16),
        },
    )
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def texts() -> list[str]:
    with (REPOSITORY / "resources/graph/nodes_domain.csv").open(encoding="utf-8") as file:
        return [row["description"] for row in csv.DictReader(file)]


def make_pairs(base: Path, count: int, file: Path) -> int:
    """Write pairs of the study's lengths; return their tokens in all."""
    from tatara.files.jsonl import write_jsonl
    from tatara.models import chat
    from tatara.models.chat_template import Conversation
    from tatara.models.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(base)
    text = "".join(texts())
    fixed = len(chat.encode(tokenizer, "", "", Conversation()).input_ids)
    draw = random.Random(0)

    def piece(tokens: float) -> str:
        start = draw.randrange(len(text) - 3000)
        return tokenizer.decode(chat.encode_text(tokenizer, text[start : start + 3000])[: round(tokens)]).strip(
            "\ufffd"
        )

    pairs = [
        {"id": f"p{n}", "question": piece(77 - fixed), "answer": piece(draw.uniform(190, 260))} for n in range(count)
    ]
    write_jsonl(file, pairs)
    encoded = [chat.encode(tokenizer, pair["question"], pair["answer"], Conversation()) for pair in pairs]
    return sum(len(item.input_ids) for item in encoded)


def run(recipe: str, base: Path, scratch: Path, steps: int | None, profile: Path | None) -> dict:
    """Train by one recipe and return its row."""
    settings, lora, usual = RECIPES[recipe]
    steps = steps or usual
    if settings["backend"] == "unsloth":
        os.environ["UNSLOTH_DISABLE_STATISTICS"] = "1"
        import unsloth  # noqa: F401  before transformers and TRL, which it changes
    import torch
    from tatara.models.chat_template import Conversation
    from tatara.train import qlora, trainer

    scratch.mkdir(parents=True)
    tokens = make_pairs(base, steps * settings["batch_size"], scratch / "pairs.jsonl")
    ends = []

    class Timed(trainer.ProgressLog):
        profiler = None

        def on_step_end(self, args, state, control, **keywords):
            torch.cuda.synchronize()
            ends.append(time.perf_counter())
            if profile and state.global_step == 2 * steps - 2:
                self.profiler = torch.profiler.profile(activities=list(torch.profiler.supported_activities()))
                self.profiler.start()
            elif self.profiler and state.global_step == 2 * steps - 1:
                self.profiler.stop()
                profile.write_text(
                    self.profiler.key_averages().table(
                        sort_by="self_cuda_time_total", row_limit=45, max_name_column_width=90
                    )
                )
                self.profiler = None

    trainer.ProgressLog = Timed
    report = qlora.train(
        base=base,
        subset=scratch / "pairs.jsonl",
        general=None,
        adapter=scratch / "adapter",
        report=scratch / "train.json",
        checkpoint_folder=scratch / "checkpoints",
        settings=settings,
        lora=lora,
        conversation=Conversation(),
        run=recipe,
        model_name="llama-8b",
        seed=42,
        threads=8,
        device="cuda",
    )
    seconds = ends[-1] - ends[-1 - steps]
    return {
        "recipe": recipe,
        "card": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "tokens_per_second": round(tokens / seconds),
        "samples_per_second": round(steps * settings["batch_size"] / seconds, 2),
        "step_ms": round(1000 * seconds / steps),
        "tokens_per_sample": round(tokens / steps / settings["batch_size"]),
        **memory(),
        "micro_batch_size": report["micro_batch_size"],
        "first_loss": round(report["steps"][0]["loss"], 4),
        "last_loss": round(report["final_loss"], 4),
    }


def memory() -> dict:
    """Return the peaks of GPU memory so far in GiB, by torch: what tensors held, and what the process took for them
    (without CUDA's own).
    """
    import torch

    peaks = {
        "peak_allocated_gib": torch.cuda.max_memory_allocated(),
        "peak_reserved_gib": torch.cuda.max_memory_reserved(),
    }
    return {name: round(peak / 2**30, 2) for name, peak in peaks.items()} | {
        "memory_limit_gib": os.environ["TATARA_GPU_MEMORY_GIB"]
    }


def environment(limit: str) -> dict:
    """Return what a job of the pipeline has in its environment, with a limit in GiB (empty: none)."""
    return os.environ | {
        "TATARA_GPU_MEMORY_GIB": limit,
        "HF_HUB_OFFLINE": "1",
        "PYTORCH_ALLOC_CONF": "expandable_segments:True",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help=f"one of: {'; '.join(RECIPES)}")
    parser.add_argument("--folder", type=Path, help="where the base lies or shall lie; a temporary one otherwise")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".csv"))
    parser.add_argument("--memory-limit", default="", help="GiB of GPU memory that each process may take")
    parser.add_argument("--steps", type=int, help="steps of a pass, instead of the recipe's own number")
    parser.add_argument("--profile", action="store_true", help="write a table of one step's kernels beside the output")
    parser.add_argument(
        "--one", action="store_true", help=argparse.SUPPRESS
    )  # a recipe in this process, its row to standard output
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        base = options.folder or Path(temporary, "base")
        if options.one:
            profile = (
                options.output.with_name(f"{options.output.stem}-{options.recipes[0].replace(' ', '_')}.txt")
                if options.profile
                else None
            )
            print(json.dumps(run(options.recipes[0], base, Path(temporary, "run"), options.steps, profile)))
            return
        if not base.exists():
            make_base(base)
        rows = []
        for recipe in options.recipes or RECIPES:
            passed = ["--steps", str(options.steps)] if options.steps else []
            passed += ["--profile"] if options.profile else []
            command = [sys.executable, __file__, recipe, "--one", "--folder", base, "--output", options.output, *passed]
            done = subprocess.run(command, env=environment(options.memory_limit), stdout=subprocess.PIPE, text=True)
            if done.returncode:
                print(f"{recipe}: failed, see above", file=sys.stderr)
                continue
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)
            with options.output.open("w", newline="") as file:
                writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


if __name__ == "__main__":
    main()
