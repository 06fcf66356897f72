"""What the rounding of activations does to quantized files: how far a file lies from F16, and from itself when it is
read in another way.

Usage: python benchmarks/rounding.py OUTPUT.csv BASE TESTSET F16.gguf [GGUF …]   (135 M parameters on two cores: 3
    minutes)

llama.cpp multiplies quantized weights by activations that it rounds to 8 bits in blocks of 32. Every file reads the
prompts of a few questions one token at a time, 8 and 512 at once, which are other kernels. Before that transformers
reads them with BASE in float32 and, its weights untouched, with the inputs of all matrices rounded so. KL in nats a
token, of the distribution over the next token.
"""

import argparse
import csv
import sys
from pathlib import Path

import inference  # also makes tatara known
import numpy
from tatara.evaluate import divergence
from tatara.llama import gguf_model

AT_ONCE, QUESTIONS = (1, 8, 512), 4
BLOCK, LARGEST = 32, 127  # of llama.cpp's Q8_0
FIELDS = [
    "file",
    "card",
    "tokens_at_once",
    "tokens",
    "kl_from_first",
    "same_top_as_first",
    "kl_from_one_by_one",
    "same_top_as_one_by_one",
]


def rounded(values):
    """Return a tensor as Q8_0 keeps it: blocks of 32, each with one factor in half precision."""
    blocks = values.reshape(-1, BLOCK)
    step = (blocks.abs().amax(-1, keepdim=True) / LARGEST).half().float()
    return ((blocks / step.clamp_min(1e-30)).round().clamp(-LARGEST, LARGEST) * step).reshape(values.shape)


def activations(base: Path, prompts: list[list[int]]) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Return the log probabilities of a model in float32, and with rounded activations; print the largest input of each
    kind of matrix.
    """
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).eval()
    largest = {}

    def look(name: str):
        def hook(module, args) -> None:
            value = args[0].abs()
            found = value.max().item(), (value.max() / value.median()).item()
            largest[name] = max(largest.get(name, (0.0, 0.0)), found)

        return hook

    def read() -> numpy.ndarray:
        with torch.inference_mode():
            return divergence.log_softmax(
                torch.cat([model(torch.tensor([prompt])).logits[0, :-1] for prompt in prompts]).numpy()
            )

    matrices = [(name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)]
    hooks = [module.register_forward_pre_hook(look(name.rsplit(".", 1)[-1])) for name, module in matrices]
    exact = read()
    for hook in hooks:
        hook.remove()
    for _, module in matrices:
        module.register_forward_pre_hook(lambda module, args: (rounded(args[0]),))
    for name, (value, times) in largest.items():
        print(f"inputs of {name}: at most {value:.4g}, {times:.4g} times the median of their matrix")
    return exact, read()


def read_file(file: Path, prompts: list[list[int]], at_once: int, threads: int) -> numpy.ndarray:
    """Return the log probabilities of a GGUF file that reads so many tokens at once, (tokens, vocabulary)."""
    import llama_cpp

    model = llama_cpp.Llama(
        str(file),
        n_ctx=1024,
        n_batch=at_once,
        n_ubatch=at_once,
        n_gpu_layers=-1,
        n_threads=threads,
        verbose=False,
    )
    pieces = gguf_model.pieces_of(model)
    said = divergence.log_softmax(numpy.concatenate([piece.copy() for ids in prompts for piece in pieces(ids, 1)]))
    model.close()
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path, help="CSV file; it is written anew")
    parser.add_argument("base", type=Path, help="the model's folder")
    parser.add_argument("testset", type=Path, help="a test set; its first questions are read")
    parser.add_argument("files", type=Path, nargs="+", metavar="GGUF", help="F16 first")
    parser.add_argument("--threads", type=int, default=8)
    options = parser.parse_args()
    prompts = inference.prompts_of(options.base, options.testset)[:QUESTIONS]
    with options.output.open("w", newline="", encoding="utf-8") as output:
        writer = csv.DictWriter(output, FIELDS, lineterminator="\n")
        writer.writeheader()

        def write(name: str, card: str, at_once: int, said: numpy.ndarray, **references: numpy.ndarray) -> None:
            row = {"file": name, "card": card, "tokens_at_once": at_once, "tokens": len(said)}
            for key, reference in references.items():
                row[f"kl_from_{key}"] = f"{divergence.kl(reference, said) / len(said):.4g}"
                row[f"same_top_as_{key}"] = f"{divergence.same_top(reference, said) / len(said):.4g}"
            writer.writerow(row)
            output.flush()
            print(row, flush=True)

        exact, coarse = activations(options.base, prompts)
        write("transformers, float32, activations in 8 bits", "CPU", max(map(len, prompts)), coarse, first=exact)
        first = None
        for file in options.files:
            alone = None
            for at_once in AT_ONCE:
                said = read_file(file, prompts, at_once, options.threads)
                alone = said if alone is None else alone
                first = said if first is None else first
                write(file.stem, inference.card(), at_once, said, first=first, one_by_one=alone)


if __name__ == "__main__":
    sys.exit(main())
