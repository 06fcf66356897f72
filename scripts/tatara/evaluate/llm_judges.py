"""Scores by a language model that is held to a JSON schema: a GGUF file in process, or a model of an Ollama server
(paper §3.2).
"""

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path

from tatara.evaluate.judge_file import Verdict, judge_rows, write_scores
from tatara.files.prompts import fill_prompt
from tatara.files.text import read_text, write_json
from tatara.job.errors import InputError
from tatara.job.fingerprint import fingerprint
from tatara.job.progress import Progress
from tatara.job.resume import FinishedRows

logger = logging.getLogger("tatara")
SCORES = (0, 1, 2, 3)
SCHEMA = {
    "type": "object",
    "properties": {"reason": {"type": "string", "maxLength": 200}, "score": {"type": "integer", "enum": list(SCORES)}},
    "required": ["reason", "score"],
    "additionalProperties": False,
}
# A model that answered badly answers the same again at temperature 0: further tries draw at this one, with another
# seed.
RETRY_TEMPERATURE = 0.5
Complete = Callable[[str, int, float], str]  # prompt, seed, temperature -> what the model wrote


def render(template: str, where: Path | str, row: dict, answer: str, reference: bool) -> str:
    """Return the prompt of one answer.

    Raises:
        InputError: the prompt file is no Jinja template, cannot be filled in, names something else than question,
            reference and answer, or leaves one out.
    """
    values = {"question": row["question"], "reference": row["reference"] if reference else "", "answer": answer}
    text = fill_prompt(template, where, values)
    for name in ("question", "answer"):
        if values[name].strip() and values[name].strip() not in text:
            raise InputError(f"{where}: the prompt does not show the {name}; write {{{{ {name} }}}} where it belongs")
    return text


def parse(text: str) -> Verdict | None:
    """Return the score and reason of a judge's output, None where it is none: no JSON, no score, another number, a
    truth value.
    """
    try:
        found = json.loads(text)
        score, reason = found["score"], found["reason"]
    except (ValueError, TypeError, KeyError):
        return None
    if isinstance(score, bool) or score not in SCORES or not isinstance(reason, str):
        return None
    return Verdict(int(score), " ".join(reason.split()))


def llama_cpp_complete(file: Path, *, context: int, limit: int, threads: int) -> Complete:
    """Return a judge in process: a GGUF file with its own chat template, its output held to the schema by a grammar.

    Raises:
        InputError: the file has no chat template.
    """
    import llama_cpp
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    from tatara.llama import gguf_model

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
                "tokens: "
                "raise context, or lower max_tokens"
            )
        done = model.create_completion(
            ids, max_tokens=limit, temperature=temperature, top_k=0, top_p=1.0, min_p=0.0, seed=seed, grammar=grammar
        )
        return done["choices"][0]["text"]

    return complete


def ollama_complete(model: str, *, url: str | None, timeout: float, context: int, limit: int) -> Complete:
    """Return a judge of an Ollama server, its output held to the schema by `format`."""
    from tatara.ollama.client import Server

    server = Server(url, timeout)

    def complete(prompt: str, seed: int, temperature: float) -> str:
        messages = [{"role": "user", "content": prompt}]
        return server.chat(
            model, messages, limit=limit, context=context, seed=seed, temperature=temperature, schema=SCHEMA
        ).text

    return complete


def load(settings: dict, file: str | None, threads: int) -> Complete:
    """Return the judge of a config entry; `file` is its GGUF file as seen from here."""
    if settings["kind"] == "llama_cpp":
        return llama_cpp_complete(
            Path(file), context=settings["context"], limit=settings["max_tokens"], threads=threads
        )
    return ollama_complete(
        settings["model"],
        url=settings["url"],
        timeout=settings["timeout"],
        context=settings["context"],
        limit=settings["max_tokens"],
    )


def write_identity(settings: dict, file: str | None, output: Path) -> None:
    """Write which model the judge is: name and digest. It fails, before anything is trained, where the judge is not to
    be had.

    Raises:
        InputError: no such file; no server, or no such model in it.
    """
    if settings["kind"] == "llama_cpp":
        if not Path(file).is_file():
            raise InputError(f"{file}: no such file; config key judge.judges.NAME.file names the GGUF file of a judge")
        with Path(file).open("rb") as content:
            found = {"model": Path(file).name, "digest": hashlib.file_digest(content, "sha256").hexdigest()}
    else:
        from tatara.ollama.client import Server

        found = Server(settings["url"], settings["timeout"]).identity(settings["model"], settings["context"])
    write_json(output, found)


def score_once(
    complete: Complete, prompt: str, seed: int, temperature: float, attempts: int
) -> tuple[Verdict | None, str]:
    """Return the verdict and the last output; an output that is not a score is tried again, and after the last try the
    verdict is None.
    """
    text = ""
    for attempt in range(attempts):
        warmth = temperature if attempt == 0 else max(temperature, RETRY_TEMPERATURE)
        text = complete(prompt, seed + attempt, warmth)
        if verdict := parse(text):
            return verdict, text
    return None, text


def judge_llm(
    *,
    name: str,
    settings: dict,
    complete: Callable[[], Complete],
    identity: dict,
    rows: list[dict],
    answers: Path,
    times: Path,
    prompt: Path,
    output: Path,
    finished: Path,
    seed: int,
) -> None:
    """Score the answers of one model and format with a language model and write the judge file (docs/files.md).

    Args:
        name, settings: of the judge, as in the config: `reference`, `repeats`, `temperature`, `attempts`.
        complete: loads the judge; called only where a score is missing.
        identity: what else decides the scores, such as the judge's digest.
        rows: questions of the test set; answers, times: what `engines.answer_all` wrote.
        prompt: the prompt file.
        finished: keeps finished scores until all are there; a killed run goes on with the first that is missing.
    """
    template = read_text(prompt)
    given = judge_rows(rows, answers, times)
    prompts = {
        row["id"]: render(template, prompt, row, given[row["id"]]["answer"], settings["reference"]) for row in rows
    }
    keys = [(row["id"], repeat) for repeat in range(1, settings["repeats"] + 1) for row in rows]
    with FinishedRows(finished, fingerprint([name, settings, identity, prompts, seed], []), key="key") as kept:
        missing = [(id_, repeat) for id_, repeat in keys if f"{id_} {repeat}" not in kept.rows]
        if kept.rows:
            logger.info("%d of %d scores are there from an interrupted run", len(kept.rows), len(keys))
        ask = complete() if missing else None
        for id_, repeat in Progress(missing, f"judge {name}", done=len(kept.rows)):
            # Tries of one repeat use seeds of their own, so that no two repeats draw the same numbers.
            first = seed + (repeat - 1) * settings["attempts"]
            verdict, text = score_once(ask, prompts[id_], first, settings["temperature"], settings["attempts"])
            reason = (
                verdict.reason
                if verdict
                else f"not a score, {settings['attempts']} times; the last: {' '.join(text.split())[:200]}"
            )
            kept.add({"key": f"{id_} {repeat}", "score": verdict.score if verdict else None, "reason": reason})
    digests = {id_: hashlib.sha256(text.encode()).hexdigest()[:16] for id_, text in prompts.items()}
    found = [(id_, repeat, kept.rows[f"{id_} {repeat}"]) for id_, repeat in keys]
    invalid = sum(row["score"] is None for _, _, row in found)
    if invalid:
        logger.warning(
            "%d of %d outputs of the judge %s were not a score; they are recorded as invalid", invalid, len(found), name
        )
    write_scores(
        output, name, [(given[id_], repeat, row["score"], row["reason"], digests[id_]) for id_, repeat, row in found]
    )
    kept.remove()
