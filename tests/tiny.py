"""A tiny base model and some pairs, made once: everything that needs a model in unit tests."""

from pathlib import Path

from tatara import base
from tatara.jsonl import write_jsonl

SYSTEM = "あなたは技術者です。"
SHAPE = {
    "architecture": "llama", "vocab_size": 768, "hidden_size": 256, "intermediate_size": 256, "layers": 1, "heads": 4, "kv_heads": 1,
    "context": 512, "seed": 1, "steps": 2, "batch_size": 2, "block": 32, "learning_rate": 0.003,
}  # fmt: skip
TEXTS = [f"堤防の高さは計画高水位に余裕高を加えた{n}メートル以上とし、巡視は年{n}回行う。護岸と床止めの点検は出水期前に行う。" for n in range(60)]
SETTINGS = {
    "backend": "trl", "packing": "auto", "batch_size": 4, "micro_batch_size": 2, "epochs": 2, "learning_rate": 2e-3, "warmup_ratio": 0.1,
    "weight_decay": 0.0, "max_grad_norm": 1.0, "max_length": 256, "checkpoint_steps": 2, "gradient_checkpointing": False,
}  # fmt: skip
PAIRS = [
    {"id": f"p{n}", "question": f"第{n}号の堤防はいつ点検するか。", "answer": f"出水期前に第{n}号を点検する。（設計編 第1章）"} for n in range(10)
]  # fmt: skip


def make_base(folder: Path, family: str, byte_fallback: bool = True, **shape) -> Path:
    """Build a base model of one tokenizer family in `folder`, with another shape where one is given."""
    source = {
        "scratch": {**SHAPE, **shape, "tokenizer": family, "byte_fallback": byte_fallback, "architecture": "qwen2" if family == "qwen2" else "llama"}
    }
    base.build(name=family, source=source, continued=None, texts=TEXTS, folder=folder, threads=1, device="cpu")
    return folder


def train(folder: Path, base_folder: Path, **changes) -> dict:
    """Train an adapter into `folder`/adapter and return its report."""
    from tatara import qlora

    folder.mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "subset.jsonl", changes.pop("pairs", PAIRS))
    settings = SETTINGS | changes.pop("settings", {})
    lora = {"r": 8, "alpha": 16, "dropout": 0.05} | changes.pop("lora", {})
    return qlora.train(
        base=base_folder, subset=folder / "subset.jsonl", adapter=folder / "adapter", report=folder / "train.json",
        checkpoint_folder=folder / "checkpoints", settings=settings, lora=lora, system=SYSTEM, run="tiny",
        model_name="tiny", seed=7, threads=1, device=changes.pop("device", "cpu"),
    )  # fmt: skip
