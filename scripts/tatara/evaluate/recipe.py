"""What one way to train has given, on the development questions: likelihood, probe, answers, scores, neutral text."""

from dataclasses import dataclass
from pathlib import Path

from tatara.evaluate.answers import AnswerFiles
from tatara.evaluate.answers_nf4 import answer_nf4
from tatara.evaluate.neutral import encode_sentence, score_sentences
from tatara.evaluate.nll import score, write_nll
from tatara.evaluate.nll_adapter import transformers_pieces
from tatara.evaluate.probe import Probe
from tatara.evaluate.probe_transformers import transformers_score
from tatara.evaluate.rubric import judge_rubric
from tatara.files.jsonl import write_jsonl
from tatara.files.probe_file import write_probe
from tatara.models import loading
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer


@dataclass(frozen=True)
class RecipeFiles:
    """What is written of an arm (docs/files.md)."""

    nll: Path
    probe: Path
    neutral: Path
    answers: Path
    seconds: Path
    judge: Path


def measure_recipe(
    *,
    name: str,
    model: str,
    base: Path,
    adapter: Path | None,
    rows: list[dict],
    items: list[dict],
    neutral: list[dict],
    conversation: Conversation,
    precision: str,
    limit: int,
    context: int,
    batch_size: int,
    threads: int,
    files: RecipeFiles,
    unfinished: Path,
    device: str = "auto",
) -> None:
    """Measure an arm by transformers; answers go on where a killed run stopped.

    Args:
        name: of the arm, in its files.
        model: id of the model in the config.
        adapter: None for a model without training.
        rows: development questions; items: of the probe; neutral: sentences that have nothing to do with the domain.
        precision: what the base's weights are in, `train.base_precision` of the arm.
        limit, context, batch_size: as `answer_nf4` takes them; where there are batches no answer is timed.
        unfinished: keeps answers until all are there.

    Raises:
        InputError: a text that spells a control token, or a prompt that does not fit the context.
    """
    loading.prepare(0, threads)
    tokenizer = load_tokenizer(base)
    loaded = loading.load_adapted(base, adapter, loading.device(device), precision)
    pieces = transformers_pieces(loaded)
    write_nll(files.nll, name, model, score(tokenizer, rows, conversation, name, pieces))
    ids = [encode_sentence(tokenizer, row, conversation) for row in neutral]
    write_jsonl(files.neutral, score_sentences(neutral, ids, name, pieces))
    write_probe(files.probe, Probe(tokenizer, items, conversation).rows(name, transformers_score(loaded)))
    del loaded, pieces
    answer_nf4(
        base=base,
        adapter=adapter,
        rows=rows,
        conversation=conversation,
        precision=precision,
        limit=limit,
        context=context,
        threads=threads,
        device=device,
        batch_size=batch_size,
        timed=0,
        files=AnswerFiles(answers=files.answers, times=files.seconds, finished=unfinished),
    )
    judge_rubric(name="rubric", rows=rows, answers=files.answers, times=files.seconds, output=files.judge)
