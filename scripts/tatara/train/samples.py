"""Training samples: token ids, labels on answers alone, packed rows."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from datasets import Dataset

from tatara.job.errors import InputError
from tatara.models import chat


def encode_pairs(tokenizer, pairs: list[dict], system: str, max_length: int) -> list[chat.Encoded]:
    """Encode QA pairs.

    Raises:
        InputError: a pair is longer than `max_length` tokens.
    """
    encoded = [chat.encode(tokenizer, pair["question"], pair["answer"], system) for pair in pairs]
    for pair, item in zip(pairs, encoded, strict=True):
        if len(item.input_ids) > max_length:
            raise InputError(
                f"pair {pair['id']} has {len(item.input_ids)} tokens, config key train.max_length allows {max_length}: "
                "raise it, or shorten the pair; it is not cut silently"
            )
    return encoded


def check_labels(tokenizer, pairs: list[dict], encoded: list[chat.Encoded]) -> list[str]:
    """Decode the labels of a batch and compare them with the answers: only these may carry loss.

    Returns:
        The decoded labels.

    Raises:
        InputError: labels and answer differ (a wrong mask trains on the prompt, or on nothing; unsloth issues 1262,
            2095).
    """
    decoded = []
    for pair, item in zip(pairs, encoded, strict=True):
        carrying = [token for token in item.labels if token != chat.IGNORED]
        text = tokenizer.decode(carrying[:-1], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        normalized = (
            tokenizer.backend_tokenizer.normalizer.normalize_str(pair["answer"])
            if tokenizer.backend_tokenizer.normalizer
            else pair["answer"]
        )
        if text != normalized or carrying[-1] != chat.end_of_turn(tokenizer):
            raise InputError(
                f"pair {pair['id']}: the tokens that carry loss read {text!r}, expected the answer {normalized!r} and "
                "the end of the turn"
            )
        decoded.append(tokenizer.decode(carrying, skip_special_tokens=False, clean_up_tokenization_spaces=False))
    return decoded


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
    """The QA pairs of a training run and their token ids, in the order of the file."""

    tokenizer: object
    pairs: list[dict]
    encoded: list[chat.Encoded]

    @classmethod
    def of(cls, tokenizer, pairs: list[dict], system: str, max_length: int) -> "Samples":
        """Encode QA pairs; `encode_pairs` says which are refused."""
        return cls(tokenizer, pairs, encode_pairs(tokenizer, pairs, system, max_length))

    @property
    def tokens(self) -> int:
        """All tokens of one epoch, prompts and answers."""
        return sum(len(item.input_ids) for item in self.encoded)

    @property
    def answer_tokens(self) -> int:
        """The tokens of one epoch that carry loss."""
        return self.tokens - sum(item.prompt_tokens for item in self.encoded)

    def dataset(self) -> Dataset:
        """Return the samples as the trainer takes them."""
        return Dataset.from_list([{"input_ids": item.input_ids, "labels": item.labels} for item in self.encoded])

    def check_batch(self, batch: dict[str, torch.Tensor]) -> list[str]:
        """Compare the labels of a batch, as the trainer draws it, with the answers.

        Returns:
            The decoded labels.

        Raises:
            InputError: the trainer changed labels, or they are not those of the answers.
        """
        index_of = {tuple(item.input_ids): index for index, item in enumerate(self.encoded)}
        chosen = []
        for ids, labels in unpack(batch):
            index = index_of[tuple(ids)]
            if labels != self.encoded[index].labels:
                raise InputError(f"pair {self.pairs[index]['id']}: the trainer changed its labels")
            chosen.append(index)
        return check_labels(
            self.tokenizer, [self.pairs[index] for index in chosen], [self.encoded[index] for index in chosen]
        )
