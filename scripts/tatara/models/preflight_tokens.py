"""What a tokenizer and its chat template show before anything is trained."""

from dataclasses import replace

from tatara.job.errors import InputError
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.differences import first_difference

QUESTION, ANSWER = "堤防の高さは何で決まるか。", "計画高水位に余裕高を加えた高さ以上とする。"


def template_difference(tokenizer, conversation: Conversation) -> dict | None:
    """Compare what is trained (prompt, answer, end of the turn) with the template's own rendering of both turns.

    Returns:
        None where they are equal token by token; else the first token (from 0) at which they part, and both texts from
        there.
    """
    as_is = replace(conversation, prompt="generation") if conversation.prompt == "exact" else conversation
    trained = chat.encode(tokenizer, QUESTION, ANSWER, as_is).input_ids
    rendered = chat.rendered_tokens(tokenizer, QUESTION, ANSWER, conversation)
    place = first_difference(rendered, trained)
    if place is None:
        return None
    return {
        "token": place,
        "template": tokenizer.decode(rendered[place:]),
        "trained": tokenizer.decode(trained[place:]),
    }


def _padding(tokenizer, conversation: Conversation, place: str) -> list[str]:
    """Return what is wrong with a padding token that also ends an answer."""
    stops = chat.stop_tokens(tokenizer, conversation)
    if tokenizer.pad_token_id is None or tokenizer.pad_token_id not in stops:
        return []
    others = [
        token.content
        for index, token in sorted(tokenizer.added_tokens_decoder.items())
        if token.special and index not in {*stops, tokenizer.bos_token_id}
    ]
    return [
        f"{place}: its padding token {tokenizer.pad_token!r} also ends an answer, and training on it can teach a model "
        "never to stop: set pad_token in tokenizer_config.json of a copy of the folder to a special token that ends "
        f"none{', such as ' + ', '.join(others[:3]) if others else ''}"
    ]


def problems(tokenizer, rows: int | None, conversation: Conversation, place: str) -> list[str]:
    """Return what is wrong with a tokenizer, each with its remedy.

    Args:
        rows: of the model's embedding; None where it is not known.
        place: what a message calls the source.
    """
    if not tokenizer.chat_template:
        return [
            f"{place}: its tokenizer has no chat template, and Tatara trains on chats: take the instruct model, or "
            "add the template as chat_template.jinja to a copy of the folder"
        ]
    wrong = []
    try:
        chat.encode(tokenizer, QUESTION, ANSWER, conversation, "a question of the preflight")
        wrong += _padding(tokenizer, conversation, place)
    except InputError as error:  # today's date, two BOS tokens, other tokens than are trained, no end of a turn
        wrong.append(f"{place}: {error}")
    past = sorted(token for token, index in tokenizer.get_vocab().items() if rows is not None and index >= rows)
    if past:
        wrong.append(
            f"{place}: the tokenizer has {len(past)} tokens past the embedding's {rows:,} rows "
            f"({', '.join(past[:3])}): enlarge the model with resize_token_embeddings(len(tokenizer)) and save both, "
            "or take these tokens out"
        )
    return wrong


def facts(tokenizer, rows: int | None, conversation: Conversation) -> dict:
    """Return what the preflight file says of a tokenizer whose template works."""
    stops = chat.stop_tokens(tokenizer, conversation)
    difference = template_difference(tokenizer, conversation)
    return {
        "tokenizer": {
            "class": type(tokenizer).__name__,
            "vocabulary": len(tokenizer),
            "embedding_rows": rows,
            "bos": tokenizer.bos_token,
            "pad": tokenizer.pad_token,
            "stops": tokenizer.convert_ids_to_tokens(stops),
        },
        "template": {"prompt": conversation.prompt, "equal": difference is None, "difference": difference},
    }
