"""Training samples: token ids, labels on answers alone or on all, packed rows."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from datasets import Dataset

from tatara.job.errors import InputError
from tatara.models import chat
from tatara.models.chat_template import Conversation
from tatara.models.differences import first_difference


def encode_pairs(tokenizer, pairs: list[dict], conversation: Conversation, max_length: int) -> list[chat.Encoded]:
    """Encode QA pairs.

    Raises:
        InputError: a pair is longer than `max_length` tokens, spells a control token, or is not what the chat template
            makes of it.
    """
    encoded = []
    for pair in pairs:
        item = chat.encode(tokenizer, pair["question"], pair["answer"], conversation, f"pair {pair['id']}")
        if len(item.input_ids) > max_length:
            raise InputError(
                f"pair {pair['id']} has {len(item.input_ids)} tokens, config key train.max_length allows {max_length}: "
                "raise it, or shorten the pair; it is not cut silently"
            )
        encoded.append(item)
    return encoded


def share_of(general: list[dict], share: float, others: int) -> list[dict]:
    """Return as many general pairs as make `share` of all samples beside `others` pairs, in the order of their file and
    again from its beginning where they are too few.
    """
    return list(itertools.islice(itertools.cycle(general), round(others * share / (1 - share))))


def labels_of(item: chat.Encoded, loss: str) -> list[int]:
    """Return the labels of a sample: of the answer and the end of its turn, or of all tokens after the first.

    Args:
        loss: `train.loss`, `answer` or `all`.
    """
    return item.labels if loss == "answer" else [chat.IGNORED, *item.input_ids[1:]]


def check_labels(tokenizer, pair: dict, labels: list[int], conversation: Conversation, loss: str = "answer") -> str:
    """Compare the labels of a sample with its pair, token by token: what `loss` says carries loss, and nothing else
    does.

    Returns:
        The tokens that carry loss, decoded.

    Raises:
        InputError: they differ (a wrong mask trains on the prompt, or on nothing; unsloth issues 1262, 2095).
    """
    item = chat.encode(tokenizer, pair["question"], pair["answer"], conversation, f"pair {pair['id']}")
    expected = labels_of(item, loss)
    place = first_difference(labels, expected)
    if place is not None:
        carries, expected_token = (
            "nothing" if place >= len(row) or row[place] == chat.IGNORED else repr(tokenizer.decode([row[place]]))
            for row in (labels, expected)
        )
        raise InputError(
            f"pair {pair['id']}: at token {place} {carries} carries loss, expected {expected_token}: the labels "
            f"are not those of train.loss: {loss}"
        )
    carrying = [token for token in labels if token != chat.IGNORED]
    return tokenizer.decode(carrying, skip_special_tokens=False, clean_up_tokenization_spaces=False)


def pack(features: list[dict]) -> dict[str, torch.Tensor]:
    """Lay samples one behind another in one row: the collation of packed training.

    The positions begin at 0 with each sample. By them transformers, and by the lengths the fused backend, keep samples
    from seeing each other.

    Returns:
        `input_ids`, `labels` and `position_ids` (1, tokens), `packed_seq_lengths` (samples,), tokens of each sample.
    """
    row = {
        key: torch.tensor([[token for feature in features for token in feature[key]]])
        for key in ("input_ids", "labels")
    }
    lengths = [len(feature["input_ids"]) for feature in features]
    positions = torch.cat([torch.arange(length) for length in lengths])[None]
    return row | {"position_ids": positions, "packed_seq_lengths": torch.tensor(lengths, dtype=torch.int32)}


def unpack(batch: dict[str, torch.Tensor]) -> Iterator[tuple[list[int], list[int]]]:
    """Return token ids and labels of each sample of a batch, packed or padded."""
    if "packed_seq_lengths" in batch:
        lengths = batch["packed_seq_lengths"].tolist()
        yield from zip(
            *(map(torch.Tensor.tolist, batch[key][0].split(lengths)) for key in ("input_ids", "labels")), strict=True
        )
    else:
        for ids, labels, mask in zip(batch["input_ids"], batch["labels"], batch["attention_mask"].bool(), strict=True):
            yield ids[mask].tolist(), labels[mask].tolist()


@dataclass(frozen=True)
class Samples:
    """The QA pairs of a training run and their token ids, in the order of the file; the last `general` are general."""

    tokenizer: object
    pairs: list[dict]
    conversation: Conversation
    encoded: list[chat.Encoded]
    loss: str = "answer"
    general: int = 0

    @classmethod
    def of(
        cls,
        tokenizer,
        pairs: list[dict],
        conversation: Conversation,
        max_length: int,
        loss: str = "answer",
        general: Sequence[dict] = (),
    ) -> "Samples":
        """Encode QA pairs and general pairs; `encode_pairs` says which are refused. `loss` is `train.loss`."""
        together = [*pairs, *general]
        encoded = encode_pairs(tokenizer, together, conversation, max_length)
        return cls(tokenizer, together, conversation, encoded, loss, len(general))

    @property
    def tokens(self) -> int:
        """All tokens of one epoch, prompts and answers."""
        return sum(len(item.input_ids) for item in self.encoded)

    @property
    def answer_tokens(self) -> int:
        """The tokens of one epoch that carry loss."""
        return sum(label != chat.IGNORED for item in self.encoded for label in labels_of(item, self.loss))

    @property
    def exact(self) -> int:
        """How many pairs are trained with the tokens of the chat template's own rendering."""
        return sum(item.exact for item in self.encoded)

    def dataset(self) -> Dataset:
        """Return the samples as the trainer takes them."""
        return Dataset.from_list(
            [{"input_ids": item.input_ids, "labels": labels_of(item, self.loss)} for item in self.encoded]
        )

    def check_batch(self, batch: dict[str, torch.Tensor]) -> list[str]:
        """Compare a batch, as the trainer draws it, with the pairs; return its decoded labels.

        Raises:
            InputError: the trainer changed tokens or labels.
        """
        index_of = {tuple(item.input_ids): index for index, item in enumerate(self.encoded)}
        decoded = []
        for ids, labels in unpack(batch):
            if tuple(ids) not in index_of:
                raise InputError(f"the trainer changed a sample, which now reads {self.tokenizer.decode(ids)!r}")
            pair = self.pairs[index_of[tuple(ids)]]
            decoded.append(check_labels(self.tokenizer, pair, labels, self.conversation, self.loss))
        return decoded
