"""The probe of one model: how likely each option is after its question, and without the question.

An option's likelihood is that of its own tokens as the beginning of an answer; the end of the turn is not counted,
since a tuned model answers in sentences. What scores stands in `probe_transformers` and in `probe_gguf`.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain

from tatara.job.progress import Progress
from tatara.models import chat
from tatara.models.chat_template import Conversation

TOGETHER = 256  # requests handed to a model at once, so that progress shows
AFTER_ONE = 8  # options that follow one prompt where no question is asked


@dataclass(frozen=True)
class Request:
    """A prompt and the options that may follow it, as token ids; no option is empty."""

    prompt: list[int]
    options: list[list[int]]


Score = Callable[[list[Request]], list[list[float]]]  # nats of each option of each request


def _scored(requests: list[Request], score: Score, what: str) -> list[list[float]]:
    """Score requests, those with prompts of one length beside each other."""
    order = sorted(range(len(requests)), key=lambda place: (len(requests[place].prompt), place))
    nats: list[list[float]] = [[] for _ in requests]
    for start in Progress(range(0, len(order), TOGETHER), what):
        places = order[start : start + TOGETHER]
        for place, values in zip(places, score([requests[place] for place in places]), strict=True):
            nats[place] = values
    return nats


class Probe:
    """The items as token ids of one tokenizer.

    Args:
        items: rows of results/probe/items.jsonl; `without` is what is asked where the question is left out.

    Raises:
        InputError: a text that spells a control token.
    """

    def __init__(self, tokenizer, items: list[dict], conversation: Conversation):
        self.items = items
        space = chat.leading_space(tokenizer, conversation)
        self.asked = [
            Request(*chat.encode_options(tokenizer, item["question"], item["options"], conversation, space, item["id"]))
            for item in items
        ]
        texts: dict[str, dict[str, None]] = defaultdict(dict)
        for item in items:
            texts[item["without"]].update(dict.fromkeys(item["options"]))
        self.unasked, self.unasked_keys = [], []  # each text is scored once
        for without, options in texts.items():
            prompt, encoded = chat.encode_options(tokenizer, without, list(options), conversation, space, "the probe")
            self.unasked_keys += [(without, option) for option in options]
            self.unasked += [Request(prompt, encoded[at : at + AFTER_ONE]) for at in range(0, len(encoded), AFTER_ONE)]

    @property
    def longest(self) -> int:
        """Tokens of the longest prompt and option together."""
        requests = [*self.asked, *self.unasked]
        return max((len(request.prompt) + max(map(len, request.options)) for request in requests), default=0)

    def rows(self, name: str, score: Score) -> list[dict]:
        """Return the rows of a probe file (docs/files.md) for one model.

        Args:
            name: of the run, or of model and format.
            score: the model.
        """
        nats = _scored(self.asked, score, f"probe {name}")
        values = chain.from_iterable(_scored(self.unasked, score, f"probe {name}, nothing asked"))
        without = dict(zip(self.unasked_keys, values, strict=True))
        return [
            {key: item[key] for key in ("id", "kind", "type", "taught", "node", "answer")}
            | {"name": name, "nats": own, "nats_without": [without[item["without"], text] for text in item["options"]]}
            for item, own in zip(self.items, nats, strict=True)
        ]
