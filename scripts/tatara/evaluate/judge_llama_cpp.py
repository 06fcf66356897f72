"""A judge in process: a GGUF file with its own chat template, its output held to the schema by a grammar."""

import hashlib
import json
from pathlib import Path

from tatara.evaluate.llm_judges import SCHEMA, Complete
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.llama import gguf_model


def load(file: Path, *, context: int, limit: int, threads: int) -> Complete:
    """Load a judge.

    Args:
        limit: most tokens of an output.
        context: tokens of prompt and output together.

    Raises:
        InputError: the file has no chat template; later, a prompt that does not fit the context.
    """
    import llama_cpp
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    model = gguf_model.load(file, context, threads)
    template = model.metadata.get("tokenizer.chat_template")
    if not template:
        raise InputError(f"{file}: the GGUF file has no chat template; take an instruct model as a judge")
    piece = gguf_model.piece_of(model)
    bos, eos = (piece(token).decode() if token >= 0 else "" for token in (model.token_bos(), model.token_eos()))
    formatter = Jinja2ChatFormatter(template=template, eos_token=eos, bos_token=bos)
    grammar = llama_cpp.LlamaGrammar.from_json_schema(json.dumps(SCHEMA), verbose=False)

    def complete(prompt: str, seed: int, temperature: float) -> str:
        text = formatter(messages=[{"role": "user", "content": prompt}]).prompt
        ids = model.tokenize(text.encode(), add_bos=False, special=True)
        if len(ids) + limit > context:
            raise InputError(
                f"a prompt of {len(ids)} tokens and an answer of up to {limit} do not fit a context of {context} "
                "tokens: raise context, or lower max_tokens"
            )
        completion = model.create_completion(
            ids, max_tokens=limit, temperature=temperature, top_k=0, top_p=1.0, min_p=0.0, seed=seed, grammar=grammar
        )
        return completion["choices"][0]["text"]

    return complete


def write_identity(file: Path, output: Path) -> None:
    """Write which model the judge is: the file's name and digest.

    Raises:
        InputError: no such file; the run ends here before anything is trained.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file; config key judge.judges.NAME.file names the GGUF file of a judge")
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    write_json(output, {"model": file.name, "digest": digest})
