"""Models of an Ollama server made of GGUF files: the Modelfile, the model, and the check that it is asked as it was
trained.
"""

import codecs
import json
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy

from tatara.evaluate.ollama_template import ollama_template
from tatara.files.text import read_text, write_json
from tatara.job.errors import InputError
from tatara.llama import gguf_model
from tatara.models import chat, loading
from tatara.ollama.client import Server

logger = logging.getLogger("tatara")
PROMPTS, ANSWERS, TOKENS = (
    8,
    4,
    32,
)  # questions whose prompts and answers are compared, and the longest of these answers
# Two builds of model.cpp round and add otherwise: tokens whose logits lie as near as this may change places (SmolLM2 in
# Q4_1: up to 0.20 seen).
TIE = 0.5


@dataclass(frozen=True)
class Recipe:
    """What makes a GGUF file a model of Ollama: its template, system prompt and parameters."""

    template: str
    system: str
    parameters: dict[str, object]

    def modelfile(self, file: str) -> str:
        """Return the Modelfile of a GGUF file, which is named as seen from the Modelfile."""
        lines = [f"FROM {file}", f'TEMPLATE """{self.template}"""']
        lines += [f'SYSTEM """{self.system}"""'] if self.system else []
        for name, value in self.parameters.items():
            lines += [
                f"PARAMETER {name} {json.dumps(item, ensure_ascii=False)}"
                for item in (value if isinstance(value, list) else [value])
            ]
        return "\n".join(lines) + "\n"


def adds_bos(file: Path) -> bool:
    """Return whether a GGUF file asks for BOS before every prompt."""
    vocabulary = gguf_model.load(file, 512, 1, vocab_only=True)
    ids = vocabulary.tokenize(b"a", add_bos=True, special=True)
    return ids[0] == vocabulary.token_bos() and len(ids) > len(vocabulary.tokenize(b"a", add_bos=False, special=True))


def recipe(*, base: Path, file: Path, model: str, given: Path | None, system: str, limit: int, context: int) -> Recipe:
    """Return the recipe of a GGUF file.

    Args:
        base: the folder of the base model, for its tokenizer and chat template.
        model: id in the config.
        given: a file with a template in Ollama's language, in place of the one that is made of the model's own.
        system: the system prompt that it was trained with; empty for none.
        limit, context: tokens of an answer, and of prompt and answer together.

    Raises:
        InputError: a chat template that has no counterpart, a system prompt that a Modelfile cannot hold.
    """
    if '"""' in system:
        raise InputError('config key chat.system holds """, which ends a text in a Modelfile: write other quotes')
    tokenizer = loading.load_tokenizer(base)
    template = read_text(given) if given else ollama_template(tokenizer, adds_bos=adds_bos(file), model=model)
    stops = [tokenizer.convert_ids_to_tokens(token) for token in chat.stop_tokens(tokenizer)]
    # Greedy, as it was measured; the server's own defaults sample, and punish repetition.
    return Recipe(
        template,
        system,
        {"temperature": 0, "repeat_penalty": 1.0, "num_ctx": context, "num_predict": limit, "stop": stops},
    )


def _piece(tokenizer, ids: list[int], place: int) -> str:
    return f"{ids[place]} ({tokenizer.decode([ids[place]])!r})" if place < len(ids) else "nothing"


def _parting(one: list[int], other: list[int]) -> int | None:
    """Return where two lists begin to differ, None where they are equal."""
    places = (place for place in range(max(len(one), len(other))) if one[place : place + 1] != other[place : place + 1])
    return next(places, None)


def compare_prompts(server: Server, name: str, tokenizer, questions: list[str], system: str, context: int) -> dict:
    """Compare the prompts that Ollama builds with those of training, token by token.

    Raises:
        InputError: the first difference, both tokens and their place.
    """
    tokens = 0
    for question in questions:
        expected, got = (
            chat.encode_prompt(tokenizer, question, system),
            server.prompt_tokens(name, question, tokenizer.bos_token_id, context),
        )
        place = _parting(expected, got)
        if place is not None:
            raise InputError(
                f"Ollama's model {name} builds another prompt than training: token {place} of {question!r} is "
                f"{_piece(tokenizer, got, place)}, "
                f"expected {_piece(tokenizer, expected, place)}. Its template must write what the model's own chat "
                "template writes, BOS included once"
            )
        tokens += len(expected)
    return {"compared": len(questions), "equal": len(questions), "tokens": tokens}


def _text(piece: bytes) -> str:
    """Return the text of a token; bytes that are no whole character are left out, since the server tells them as
    U+FFFD, whichever they are.
    """
    return piece.decode("utf-8", errors="replace").replace("\ufffd", "")


def _whole(pieces: list[bytes]) -> int:
    """Return how many tokens come before the first bytes that form no character: from there on the server leaves text
    out.
    """
    decoder, whole = codecs.getincrementaldecoder("utf-8")(), 0
    for count, piece in enumerate(pieces, 1):
        try:
            decoder.decode(piece)
        except UnicodeDecodeError:
            break
        if not decoder.getstate()[0]:
            whole = count
    return whole


def _margin(
    logits: numpy.ndarray, texts: list[str], ours: list[int], theirs: list[str], place: int, stops: list[int]
) -> float:
    """Return by how much the token of ours has the higher logit where two answers part; the least of it, where they may
    have parted before.

    Args:
        logits: (tokens, vocabulary), that each token of ours was taken from.
        texts: of each token of the vocabulary.
        theirs: texts of their tokens.
        place: where the texts part. Tokens before it that are no whole character have no text, and may differ already.
    """
    margins = []
    for at in range(place, -1, -1):
        said = theirs[at] if at < len(theirs) else None
        chosen = (
            stops if said is None else [token for token, text in enumerate(texts) if text == said and token != ours[at]]
        )
        margins.append(float(logits[at].max() - logits[at][chosen].max()) if chosen else float("inf"))
        if at and texts[ours[at - 1]]:
            break
    return min(margins)


def compare_answers(
    server: Server, name: str, file: Path, tokenizer, questions: list[str], system: str, context: int, threads: int
) -> dict:
    """Compare greedy answers of Ollama with those of model.cpp in process, from the same file.

    Where they part, the two tokens must be about equally likely: their logits, by model.cpp in process, no farther
        apart than TIE.

    Raises:
        InputError: a difference that is no tie.
    """
    stops, ties, tokens = chat.stop_tokens(tokenizer), [], 0
    model = gguf_model.load(file, context, threads)
    piece = gguf_model.piece_of(model)
    texts = [_text(piece(token)) for token in range(model.n_vocab())]
    for question in questions:
        prompt = chat.encode_prompt(tokenizer, question, system)
        ours, logits = gguf_model.greedy_with_logits(model, prompt, stops, TOKENS)
        messages = [{"role": "user", "content": question}]
        reply = server.chat(name, messages, limit=TOKENS, context=context, seed=0, temperature=0, pieces=True)
        said = [token for token in ours if token not in stops]
        whole = _whole([piece(token) for token in said])
        if reply.tokens is None:
            whole = min(whole, len(reply.pieces))  # the server broke off a loop
        ended = reply.tokens is not None and whole == len(ours) - 1
        theirs = [_text(text.encode()) for text in (reply.pieces if ended else reply.pieces[:whole])]
        place = _parting([texts[token] for token in said[:whole]], theirs)
        tokens += whole
        if place is None:
            continue
        margin = _margin(logits, texts, ours, theirs, place, stops)
        if margin > TIE:
            found = repr(theirs[place]) if place < len(theirs) else "the end"
            raise InputError(
                f"Ollama's model {name} answers {question!r} otherwise than model.cpp with the same file: token "
                f"{place} is {found}, expected "
                f"{_piece(tokenizer, ours, place)}, whose logit is {margin:.2f} higher"
            )
        ties.append({"question": question, "token": place, "margin": round(margin, 4)})
    return {"compared": len(questions), "equal": len(questions) - len(ties), "tokens": tokens, "ties": ties}


def deploy(
    *,
    name: str,
    recipe: Recipe,
    file: Path,
    base: Path,
    rows: list[dict],
    server: Server,
    output: Path,
    threads: int,
) -> None:
    """Make the model on the server and write the check file (docs/files.md), once prompts and answers agree.

    Args:
        rows: questions of the test set; some of them are asked.
    """
    server.create(name, file, template=recipe.template, system=recipe.system, parameters=recipe.parameters)
    context = recipe.parameters["num_ctx"]
    identity = server.identity(name, context)
    tokenizer = loading.load_tokenizer(base)
    step = max(1, len(rows) // PROMPTS)
    questions = [row["question"] for row in rows[::step]][:PROMPTS]
    prompts = compare_prompts(server, name, tokenizer, questions, recipe.system, context)
    logger.info("%s: Ollama builds the prompts of training, token by token (%d prompts)", name, len(questions))
    answers = compare_answers(server, name, file, tokenizer, questions[:ANSWERS], recipe.system, context, threads)
    found = identity | {"ollama": server.version(), "prompts": prompts, "answers": answers}
    write_json(output, found)
