"""Likelihood of plain sentences that have nothing to do with the domain: what training does to the rest of a model."""

from tatara.evaluate.nats import Pieces, nats_of
from tatara.job.progress import Progress
from tatara.models import chat
from tatara.models.chat_template import Conversation


def encode_sentence(tokenizer, row: dict, conversation: Conversation) -> list[int]:
    """Return a sentence's token ids, as plain text after BOS; where the tokenizer has none, after its EOS or the token
    that ends a turn, so that the first token is predicted as well.

    Args:
        row: id and text.

    Raises:
        InputError: the sentence spells a control token.
    """
    chat.check_text(tokenizer, row["text"], f"{row['id']}: the sentence")
    first = next(
        token
        for token in (tokenizer.bos_token_id, tokenizer.eos_token_id, *chat.stop_tokens(tokenizer, conversation))
        if token is not None
    )
    return [first, *chat.encode_text(tokenizer, row["text"])]


def score_sentences(rows: list[dict], ids: list[list[int]], name: str, pieces: Pieces) -> list[dict]:
    """Return one entry a sentence: its id, nats over all of its tokens, how many these are, and its UTF-8 bytes.

    Args:
        rows: id and text; ids: their token ids by `encode_sentence`.
        name: of what is measured, for the log.
        pieces: the model.
    """
    return [
        {
            "id": row["id"],
            "nats": nats_of(pieces, tokens, 1),
            "tokens": len(tokens) - 1,
            "bytes": len(row["text"].encode()),
        }
        for row, tokens in Progress(list(zip(rows, ids, strict=True)), f"neutral sentences {name}")
    ]
