"""GGUF at 8 B shapes on a GPU: times of conversion and quantization, and questions answered one by one and together.

Usage: python benchmarks/inference.py make FOLDER OUTPUT.csv     write random weights, convert to F16, quantize to
    Q4_K_M (38 GB of disk)
       python benchmarks/inference.py answer FOLDER OUTPUT.csv   answer 100 questions of FOLDER's two files (17 GB of
       GPU memory and caches)
       python benchmarks/inference.py differ OUTPUT.csv BASE TESTSET GGUF [GGUF …]   where answers of real models part,
       and by how little each appends its rows to OUTPUT.csv; `--tiny` with a shape of a few layers, to try the program

The weights are random and have the shape of Llama 3 8B: neither time nor memory depends on what they say. The questions
are those of the test set in the study's prompt. No token ends an answer, so that each has the same 256 tokens whichever
way it is asked for.
"""

import argparse
import csv
import json
import statistics
import sys
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "scripts"))

SYSTEM = "あなたは河川砂防技術基準に詳しい技術者です。根拠となる編・章・節を示して答えてください。"
SHAPE = {"hidden": 4096, "wide": 14336, "layers": 32, "heads": 32, "kv": 8, "vocabulary": 128256}
TINY = {"hidden": 256, "wide": 512, "layers": 2, "heads": 4, "kv": 2, "vocabulary": 8192}
QUESTIONS, TOKENS, ALONE = 100, 256, 6
FIELDS = [
    "what",
    "format",
    "card",
    "threads",
    "questions",
    "tokens",
    "seconds",
    "tokens_per_second",
    "times_faster",
    "note",
]


def card() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"


def append(output: Path, **row) -> None:
    """Add a row to the CSV, whose head is written with the first one."""
    new = not output.exists()
    with output.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(
            {"card": card()}
            | {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}
        )
    print(row, flush=True)


def make_model(folder: Path, shape: dict) -> None:
    """Write a Llama of this shape with random bf16 weights, a shard a layer, and a tokenizer trained on the graph's
    text.
    """
    import torch
    from safetensors.torch import save_file
    from tatara.models import families
    from transformers import LlamaConfig

    folder.mkdir(parents=True)
    with (REPOSITORY / "resources/graph/nodes_domain.csv").open(encoding="utf-8") as file:
        tokenizer = families.train_tokenizer([row["description"] for row in csv.DictReader(file)], "llama3", 4096)
    tokenizer.save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=shape["vocabulary"],
        hidden_size=shape["hidden"],
        intermediate_size=shape["wide"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["kv"],
        max_position_embeddings=8192,
        tie_word_embeddings=False,
        dtype="bfloat16",
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config.architectures = ["LlamaForCausalLM"]
    config.save_pretrained(folder)
    torch.manual_seed(0)
    place = "cuda" if torch.cuda.is_available() else "cpu"
    hidden, wide, kv = shape["hidden"], shape["wide"], shape["hidden"] * shape["kv"] // shape["heads"]
    matrices = {
        "self_attn.q_proj": (hidden, hidden),
        "self_attn.k_proj": (kv, hidden),
        "self_attn.v_proj": (kv, hidden),
        "self_attn.o_proj": (hidden, hidden),
        "mlp.gate_proj": (wide, hidden),
        "mlp.up_proj": (wide, hidden),
        "mlp.down_proj": (hidden, wide),
    }
    index = {}

    def normal(*size):
        return torch.empty(size, dtype=torch.bfloat16, device=place).normal_(std=0.02).cpu()

    def save(name: str, tensors: dict) -> None:
        save_file(tensors, folder / name, metadata={"format": "pt"})
        index.update(dict.fromkeys(tensors, name))

    ones = torch.ones(hidden, dtype=torch.bfloat16)
    for layer in range(shape["layers"]):
        tensors = {f"model.layers.{layer}.{name}.weight": normal(*size) for name, size in matrices.items()}
        tensors |= {
            f"model.layers.{layer}.{norm}.weight": ones.clone()
            for norm in ("input_layernorm", "post_attention_layernorm")
        }
        save(f"layer-{layer:02}.safetensors", tensors)
    ends = {name: normal(shape["vocabulary"], hidden) for name in ("model.embed_tokens.weight", "lm_head.weight")}
    save("rest.safetensors", ends | {"model.norm.weight": ones.clone()})
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))


def make(folder: Path, output: Path, shape: dict, threads: int) -> None:
    """Write the model and time the rules' own functions for conversion and quantization."""
    from tatara.llama import convert, quantize

    make_model(folder / "model", shape)
    start = time.perf_counter()
    convert.convert(folder / "model", folder / "f16.gguf")
    append(
        output,
        what="convert",
        format="F16",
        threads=1,
        seconds=time.perf_counter() - start,
        note=f"{(folder / 'f16.gguf').stat().st_size} bytes",
    )
    start = time.perf_counter()
    quantize.quantize(folder / "f16.gguf", folder / "q4.gguf", "q4", threads)
    note = f"{(folder / 'q4.gguf').stat().st_size} bytes"
    append(output, what="quantize", format="Q4_K_M", threads=threads, seconds=time.perf_counter() - start, note=note)


def prompts_of(base: Path, testset: Path) -> list[list[int]]:
    from tatara.data.questions import evaluated
    from tatara.models import chat
    from tatara.models.chat_template import Conversation
    from tatara.models.tokenizer import load_tokenizer

    tokenizer, rows = load_tokenizer(base), evaluated(testset, "curated", None)[:QUESTIONS]
    return [chat.encode_prompt(tokenizer, row["question"], Conversation(system=SYSTEM)) for row in rows]


def answer(folder: Path, output: Path, threads: int, tokens: int) -> None:
    """Answer the test set's questions through the functions that `answer_gguf` calls."""
    from tatara.llama import batch, gguf_model
    from tatara.models.differences import first_difference

    prompts = prompts_of(folder / "model", REPOSITORY / "resources/testset/test_set_200.jsonl")
    for fmt, label in (("q4", "Q4_K_M"), ("f16", "F16")):
        model = gguf_model.load(folder / f"{fmt}.gguf", 2048, threads)
        list(gguf_model.greedy_tokens(model, prompts[0], [], tokens))  # the first question pays for what is done once
        seconds, alone = [], []
        for prompt in prompts[:ALONE]:
            start = time.perf_counter()
            alone.append(list(gguf_model.greedy_tokens(model, prompt, [], tokens)))
            seconds.append(time.perf_counter() - start)
        one = statistics.median(seconds)
        append(
            output,
            what="one by one",
            format=label,
            threads=threads,
            questions=ALONE,
            tokens=tokens,
            seconds=one * len(prompts),
            tokens_per_second=tokens / one,
            times_faster=1.0,
            note=f"median of {ALONE} questions, times {len(prompts)}",
        )
        slots = batch.BatchContext(model, len(prompts), max(map(len, prompts)), tokens)
        slots.generate([prompt[:8] for prompt in prompts[:2]], [])
        best, answers = None, None
        for _ in range(2):
            start = time.perf_counter()
            answers = slots.generate(prompts, [])
            took = time.perf_counter() - start
            best = min(best or took, took)
        places = [first_difference(*pair) for pair in zip(alone, answers, strict=False)]
        parted = [place for place in places if place is not None]
        append(
            output,
            what="together",
            format=label,
            threads=threads,
            questions=len(prompts),
            tokens=tokens,
            seconds=best,
            tokens_per_second=tokens * len(prompts) / best,
            times_faster=one * len(prompts) / best,
            note=f"{len(parted)} of {ALONE} answers have other tokens, from token {min(parted, default='-')} on",
        )
        slots.close()
        model.close()


def differ(output: Path, base: Path, testset: Path, files: list[Path], threads: int, tokens: int) -> None:
    """Answer by real files both ways; where two answers part, compare the logits of the two tokens there."""
    from tatara.llama import batch, gguf_model
    from tatara.models import chat
    from tatara.models.chat_template import Conversation
    from tatara.models.differences import first_difference
    from tatara.models.tokenizer import load_tokenizer

    stops = chat.stop_tokens(load_tokenizer(base), Conversation(system=SYSTEM))
    prompts = prompts_of(base, testset)
    for file in files:
        model = gguf_model.load(file, 2048, threads)
        start = time.perf_counter()
        alone = [list(gguf_model.greedy_tokens(model, prompt, stops, tokens)) for prompt in prompts]
        one = time.perf_counter() - start
        slots = batch.BatchContext(model, len(prompts), max(map(len, prompts)), tokens)
        start = time.perf_counter()
        answers = slots.generate(prompts, stops)
        both = time.perf_counter() - start
        slots.close()
        model.close()
        scored = gguf_model.load(file, 2048, threads)
        pieces = gguf_model.pieces_of(scored)
        gaps, places = [], []
        for prompt, a, b in zip(prompts, alone, answers, strict=True):
            place = first_difference(a, b)
            if place is not None and place < min(len(a), len(b)):
                ids = [*prompt, *a[: place + 1]]
                ((row,),) = pieces(ids, len(ids) - 1)
                gaps.append(abs(float(row[a[place]]) - float(row[b[place]])))
                places.append(place)
        scored.close()
        count = sum(map(len, alone))
        shown = f"{len(gaps)} of {len(prompts)} answers part"
        if gaps:
            shown += f", first at token {min(places)}, largest logit gap {max(gaps):.4f}"
        append(
            output,
            what=f"differ {file.stem}",
            format=file.stem.rsplit("-", 1)[-1],
            threads=threads,
            questions=len(prompts),
            tokens=count,
            seconds=both,
            tokens_per_second=sum(map(len, answers)) / both,
            times_faster=one / both,
            note=shown,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("step", choices=["make", "answer", "differ"])
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=TOKENS)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    if options.step == "make":
        make(*options.paths, TINY if options.tiny else SHAPE, options.threads)
    elif options.step == "answer":
        answer(*options.paths, options.threads, options.tokens)
    else:
        output, base, testset, *files = options.paths
        differ(output, base, testset, files, options.threads, options.tokens)


if __name__ == "__main__":
    main()
