"""What a model's folder must show as GGUF, whatever its class: it converts, llama.cpp gives its tokenizer's ids, the
F16 file is the model, Q4_K_M can be made of it, and it answers.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from tatara.evaluate import parity
from tatara.llama import convert, gguf_model, quantize, token_ids
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer

SETTINGS = {
    "lines": 2,
    "max_mean_kl": 1e-3,
    "min_top1": 0.98,
    "byte_fallback": "answers",
    "max_share_without_token": 1e-3,
}


@dataclass(frozen=True)
class Outcome:
    """What `check` has found.

    Attributes:
        parity: the content of the parity file, with the entries f16 and q4.
        answer: token ids of a greedy answer of the Q4_K_M file, at most `limit`.
        folder: where the files f16.gguf and q4.gguf lie.
    """

    parity: dict
    answer: list[int]
    folder: Path


def compare_ids(model: Path, file: Path, texts: list[str]) -> token_ids.Comparison:
    """Compare the ids of a folder's tokenizer with those of a GGUF file, text by text."""
    tokenizer = load_tokenizer(model)
    loaded = gguf_model.load(file, 512, 1, vocab_only=True)
    try:
        return token_ids.compare(
            texts,
            lambda text: chat.encode_text(tokenizer, text),
            lambda text: loaded.tokenize(text.encode(), add_bos=False, special=True),
            token_ids.ByteTokens.of(tokenizer),
        )
    finally:
        loaded.close()


def vocabulary(model: Path, file: Path, byte_fallback: str = "answers") -> Path:
    """Convert the vocabulary of a model's folder alone and return the file."""
    convert.convert(model, file, vocab_only=True, byte_fallback=byte_fallback)
    return file


def make_files(model: Path, folder: Path, byte_fallback: str = "answers") -> dict[str, Path]:
    """Convert a model's folder and quantize it to Q4_K_M; return format -> file."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {fmt: folder / f"{fmt}.gguf" for fmt in ("f16", "q4")}
    convert.convert(model, files["f16"], byte_fallback=byte_fallback)
    quantize.quantize(files["f16"], files["q4"], "q4", 1)
    return files


def check_parity(
    model: Path,
    files: dict[str, Path],
    rows: list[dict],
    texts: list[str],
    conversation: Conversation,
    context: int = 512,
    **settings,
) -> dict:
    """Compare files with their model as the rule `parity` does and return the content of the parity file.

    Args:
        rows: questions with references; texts: more text for the tokens; settings: changes of SETTINGS.

    Raises:
        InputError: a file is not its model.
    """
    output = files["f16"].with_name("parity.json")
    parity.parity(
        model="case",
        merged=model,
        files=files,
        rows=[{"id": f"q{number}"} | row for number, row in enumerate(rows)],
        descriptions=texts,
        pairs=[],
        output=output,
        conversation=conversation,
        settings=SETTINGS | settings,
        context=context,
        threads=1,
        device="cpu",
    )
    return json.loads(output.read_text(encoding="utf-8"))


def one_answer(
    model: Path, file: Path, question: str, conversation: Conversation, limit: int = 8, context: int = 512
) -> list[int]:
    """Return the ids of a greedy answer of a GGUF file, at most `limit`."""
    tokenizer = load_tokenizer(model)
    loaded = gguf_model.load(file, context, 1)
    try:
        prompt = chat.encode_prompt(tokenizer, question, conversation)
        return list(gguf_model.greedy_tokens(loaded, prompt, chat.stop_tokens(tokenizer, conversation), limit))
    finally:
        loaded.close()


def check(
    model: Path, folder: Path, rows: list[dict], texts: list[str], conversation: Conversation, **settings
) -> Outcome:
    """Take a model's folder through all of it.

    Args:
        model: config.json, safetensors and tokenizer, as a merged model's folder has them.
        folder: where the files go.
        rows: questions with references (`question`, `reference`); texts: more text for the tokens.
        settings: changes of SETTINGS.

    Raises:
        ConversionRefused: llama.cpp has no such model or tokenizer.
        InputError: a file is not its model.
    """
    files = make_files(model, folder, (SETTINGS | settings)["byte_fallback"])
    content = check_parity(model, files, rows, texts, conversation, **settings)
    return Outcome(content, one_answer(model, files["q4"], rows[0]["question"], conversation), folder)
