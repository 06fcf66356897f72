"""Models of an Ollama server made of GGUF files, and the check that they are asked as in training and answer alike."""

import codecs
import logging
from pathlib import Path

import numpy

from tatara.evaluate.modelfile import Recipe
from tatara.files.sample import evenly_spaced
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.llama import gguf_model
from tatara.llm.chat import Reply
from tatara.llm.ollama import Server
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.differences import first_difference
from tatara.models.tokenizer import load_tokenizer

logger = logging.getLogger("tatara")
PROMPTS = 8  # questions whose prompts are compared
ANSWERS = 4  # of these, questions whose answers are compared
TOKENS = 32  # of an answer, at most
# Two builds of llama.cpp round and add otherwise: tokens whose logits lie as near as this may change places (SmolLM2 in
# Q4_1: up to 0.20 seen).
TIE = 0.5


def _describe(tokenizer, ids: list[int], place: int) -> str:
    return f"{ids[place]} ({tokenizer.decode([ids[place]])!r})" if place < len(ids) else "nothing"


def compare_prompts(
    server: Server, name: str, tokenizer, questions: list[str], conversation: Conversation, context: int
) -> dict:
    """Compare the prompts that Ollama builds with those of training, token by token.

    Raises:
        InputError: the first difference, both tokens and their place.
    """
    tokens = 0
    for question in questions:
        expected = chat.encode_prompt(tokenizer, question, conversation)
        built = server.prompt_tokens(name, question, tokenizer.bos_token_id, context)
        place = first_difference(expected, built)
        if place is not None:
            raise InputError(
                f"Ollama's model {name} builds another prompt than training: token {place} of {question!r} is "
                f"{_describe(tokenizer, built, place)}, expected {_describe(tokenizer, expected, place)}. Its template "
                "must write what the model's own chat template writes, BOS included once"
            )
        tokens += len(expected)
    return {"compared": len(questions), "equal": len(questions), "tokens": tokens}


def _text(piece: bytes) -> str:
    """Return the text of a token without bytes that form no character, which Ollama tells as U+FFFD, all alike."""
    return piece.decode("utf-8", errors="replace").replace("\ufffd", "")


def _whole_characters(pieces: list[bytes]) -> int:
    """Return how many tokens come before the first bytes that form no character, where Ollama leaves text out."""
    decoder, whole = codecs.getincrementaldecoder("utf-8")(), 0
    for count, piece in enumerate(pieces, 1):
        try:
            decoder.decode(piece)
        except UnicodeDecodeError:
            break
        if not decoder.getstate()[0]:
            whole = count
    return whole


def _comparable(expected: list[int], pieces: list[bytes], stops: list[int], reply: Reply) -> tuple[int, list[str]]:
    """Return how many tokens of an answer can be compared with Ollama's reply, and the texts of the reply's tokens.

    The texts go as far as those tokens; where the whole answer can be compared, so can its end, and they are all there.

    Args:
        expected: the answer of llama.cpp in process.
        pieces: bytes of each token of the vocabulary.
    """
    count = _whole_characters([pieces[token] for token in expected if token not in stops])
    if reply.tokens is None:  # the server broke off a loop
        count = min(count, len(reply.pieces))
    ended = reply.tokens is not None and count == len(expected) - 1
    return count, [_text(piece.encode()) for piece in (reply.pieces if ended else reply.pieces[:count])]


def _margin(
    logits: numpy.ndarray, texts: list[str], expected: list[int], reply: list[str], place: int, stops: list[int]
) -> float:
    """Return by how much the expected token's logit is above that of Ollama's token where two answers part.

    Tokens before that place which are no whole character have no text and may differ already: the least margin counts.

    Args:
        logits: (tokens, vocabulary), that each expected token was taken from.
        texts: of each token of the vocabulary.
        reply: texts of the reply's tokens.
        place: where the texts part.
    """
    margins = []
    for at in range(place, -1, -1):
        if at < len(reply):
            alike = [token for token, text in enumerate(texts) if text == reply[at] and token != expected[at]]
        else:
            alike = stops
        margins.append(float(logits[at].max() - logits[at][alike].max()) if alike else float("inf"))
        if at and texts[expected[at - 1]]:
            break
    return min(margins)


def compare_answers(
    server: Server,
    name: str,
    file: Path,
    tokenizer,
    questions: list[str],
    conversation: Conversation,
    context: int,
    threads: int,
) -> dict:
    """Compare greedy answers of Ollama with those of llama.cpp in process, from the same file.

    Where they part, the two tokens must be about equally likely: their logits, by llama.cpp in process, no farther
    apart than TIE.

    Raises:
        InputError: a difference that is no tie.
    """
    stops, ties, tokens = chat.stop_tokens(tokenizer, conversation), [], 0
    model = gguf_model.load(file, context, threads)
    pieces = list(map(gguf_model.piece_of(model), range(model.n_vocab())))
    texts = list(map(_text, pieces))
    for question in questions:
        prompt = chat.encode_prompt(tokenizer, question, conversation)
        expected, logits = gguf_model.greedy_with_logits(model, prompt, stops, TOKENS)
        messages = [{"role": "user", "content": question}]
        reply = server.chat(name, messages, limit=TOKENS, context=context, seed=0, temperature=0, pieces=True)
        count, reply_texts = _comparable(expected, pieces, stops, reply)
        tokens += count
        place = first_difference([texts[token] for token in expected[:count]], reply_texts)
        if place is None:
            continue
        margin = _margin(logits, texts, expected, reply_texts, place, stops)
        if margin > TIE:
            replied = repr(reply_texts[place]) if place < len(reply_texts) else "the end"
            raise InputError(
                f"Ollama's model {name} answers {question!r} otherwise than llama.cpp with the same file: token "
                f"{place} is {replied}, expected {_describe(tokenizer, expected, place)}, whose logit is {margin:.2f} "
                "higher"
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
        name: of the model on the server.
        file: the GGUF file; base: the base model's folder, for its tokenizer.
        rows: questions of the test set; some of them, evenly spaced, are asked.

    Raises:
        InputError: the server refuses the model, or prompts or answers differ.
    """
    server.create(name, file, template=recipe.template, system=recipe.conversation.system, parameters=recipe.parameters)
    context = recipe.parameters["num_ctx"]
    identity = server.identity(name, context)
    tokenizer = load_tokenizer(base)
    questions = [row["question"] for row in evenly_spaced(rows, PROMPTS)]
    prompts = compare_prompts(server, name, tokenizer, questions, recipe.conversation, context)
    logger.info("%s: Ollama builds the prompts of training, token by token (%d prompts)", name, len(questions))
    questions = evenly_spaced(questions, ANSWERS)
    answers = compare_answers(server, name, file, tokenizer, questions, recipe.conversation, context, threads)
    write_json(output, identity | {"ollama": server.version(), "prompts": prompts, "answers": answers})
