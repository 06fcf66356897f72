"""A tiny base model and some pairs, made once: everything that needs a model in unit tests."""

import json
import socket
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from tatara.files.jsonl import write_jsonl
from tatara.models import base_scratch
from tatara.models.chat_template import Conversation

SYSTEM = "あなたは技術者です。"
CONVERSATION = Conversation(system=SYSTEM)
SHAPE = {
    "architecture": "llama",
    "vocab_size": 768,
    "hidden_size": 256,
    "intermediate_size": 256,
    "layers": 1,
    "heads": 4,
    "kv_heads": 1,
    "context": 512,
    "seed": 1,
    "steps": 2,
    "batch_size": 2,
    "block": 32,
    "learning_rate": 0.003,
}
TEXTS = [
    f"堤防の高さは計画高水位に余裕高を加えた{n}メートル以上とし、巡視は年{n}回行う。護岸と床止めの点検は出水期前に行う。"
    for n in range(60)
]
SETTINGS = {
    "base_precision": "nf4",
    "weights": "lora",
    "loss": "answer",
    "target_modules": None,
    "backend": "trl",
    "packing": "auto",
    "batch_size": 4,
    "micro_batch_size": 2,
    "epochs": 2,
    "general_share": 0.0,
    "learning_rate": 2e-3,
    "warmup_ratio": 0.1,
    "weight_decay": 0.0,
    "max_grad_norm": 1.0,
    "max_length": 256,
    "checkpoint_steps": 2,
    "gradient_checkpointing": False,
}
PAIRS = [
    {
        "id": f"p{n}",
        "question": f"第{n}号の堤防はいつ点検するか。",
        "answer": f"出水期前に第{n}号を点検する。（設計編 第1章）",
    }
    for n in range(10)
]


def make_base(folder: Path, family: str, byte_fallback: bool = True, **shape) -> Path:
    """Build a base model of one tokenizer family in `folder`, with another shape where one is given."""
    source = {
        **SHAPE,
        **shape,
        "tokenizer": family,
        "byte_fallback": byte_fallback,
        "architecture": "qwen2" if family == "qwen2" else "llama",
    }
    base_scratch.build(name=family, source=source, texts=TEXTS, held_out=[], folder=folder, threads=1, device="cpu")
    return folder


def train(folder: Path, base_folder: Path, **changes) -> dict:
    """Train an adapter into `folder`/adapter and return its report."""
    from tatara.train import qlora

    folder.mkdir(parents=True, exist_ok=True)
    write_jsonl(folder / "subset.jsonl", changes.pop("pairs", PAIRS))
    general = None
    if "general" in changes:
        general = folder / "general.jsonl"
        write_jsonl(general, changes.pop("general"))
    settings = SETTINGS | changes.pop("settings", {})
    lora = {"r": 8, "alpha": 16, "dropout": 0.05} | changes.pop("lora", {})
    return qlora.train(
        base=base_folder,
        subset=folder / "subset.jsonl",
        general=general,
        adapter=folder / "adapter",
        report=folder / "train.json",
        checkpoint_folder=folder / "checkpoints",
        settings=settings,
        lora=lora,
        conversation=changes.pop("conversation", CONVERSATION),
        run="tiny",
        model_name="tiny",
        seed=7,
        threads=1,
        device=changes.pop("device", "cpu"),
    )


def train_apart(folder: Path, base_folder: Path, *, stop_after: int | None = None, **changes) -> dict:
    """Do `train` in a process of its own, as a rule does: unsloth changes transformers' classes for all that comes
    after it in a process.

    Args:
        stop_after: the step after which training is broken off, as by Ctrl-C; nothing is returned then.

    Raises:
        subprocess.CalledProcessError: training failed, or opened a connection.
    """
    asked = json.dumps(
        {"folder": str(folder), "base_folder": str(base_folder), "stop_after": stop_after, "changes": changes}
    )
    done = subprocess.run([sys.executable, __file__, asked], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Train as `train_apart` asks; the report goes to standard output."""
    asked = json.loads(sys.argv[1])
    tried = []
    socket.socket.connect = lambda self, address: tried.append(address)
    if asked["changes"].get("settings", {}).get("backend") == "unsloth":
        import unsloth  # noqa: F401  before transformers and TRL, which it changes
    from tatara.train import trainer

    class Stopping(trainer.ProgressLog):
        def on_step_end(self, args, state, control, **keywords):
            if state.global_step == asked["stop_after"]:
                raise KeyboardInterrupt

    trainer.ProgressLog, report = Stopping, None
    try:
        report = train(Path(asked["folder"]), Path(asked["base_folder"]), **asked["changes"])
    except KeyboardInterrupt:
        if not asked["stop_after"]:
            raise
    if tried:
        sys.exit(f"training opened connections: {tried}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
