"""The probe through transformers: each prompt is read once, and its options go on from what the model then holds."""

from itertools import groupby

import torch
from transformers.cache_utils import LinearAttentionCacheLayerMixin

from tatara.evaluate.probe import Request, Score
from tatara.models import loading

LOGITS = {"cuda": 2**28, "cpu": 2**26}  # most logits of one pass, 4 bytes each; a GPU waits for passes to be launched
BATCH = {"cuda": 64, "cpu": 16}  # prompts of one pass


def _shared(cache) -> bool:
    """Return whether what a model holds of its prompts can be handed to several options; recurrent states cannot."""
    layers = getattr(cache, "layers", None)
    return bool(layers) and not any(isinstance(layer, LinearAttentionCacheLayerMixin) for layer in layers)


def _padded(rows: list[list[int]], device) -> torch.Tensor:
    """Return token ids (rows, longest); what is added at the end comes after all that is scored."""
    longest = max(map(len, rows))
    return torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=device)


def _nats(log_probabilities: torch.Tensor, targets: torch.Tensor, lengths: list[int]) -> torch.Tensor:
    """Return the nats of each row's tokens: log probabilities (rows, tokens, vocabulary), targets (rows, tokens)."""
    taken = -log_probabilities.gather(2, targets.unsqueeze(2)).squeeze(2).double()
    places = torch.arange(targets.shape[1], device=targets.device)
    counted = places < torch.tensor(lengths, device=targets.device)[:, None]
    return taken.where(counted, 0.0).sum(dim=1)


class TransformersProbe:
    """A loaded model that scores options."""

    def __init__(self, model):
        self.model = model
        self.vocabulary = model.get_input_embeddings().weight.shape[0]
        self.last = {"logits_to_keep": 1} if loading.cuts_logits(model) else {}

    def _log_softmax(self, **inputs) -> tuple[torch.Tensor, object]:
        result = self.model(**inputs, use_cache=True)
        return result.logits.float().log_softmax(dim=-1), result.past_key_values

    def _batch(self, requests: list[Request]) -> list[list[float]]:
        """Score requests whose prompts are of one length and whose options are as many."""
        count, device = len(requests[0].options), self.model.device
        options = [ids for request in requests for ids in request.options]
        lengths = list(map(len, options))
        prompts = torch.tensor([request.prompt for request in requests], device=device)
        first, cache = self._log_softmax(input_ids=prompts, **self.last)
        if not _shared(cache):
            return self._whole(requests)
        targets = _padded(options, device)
        log_probabilities = first[:, -1:].repeat_interleave(count, dim=0)
        if targets.shape[1] > 1:
            cache.batch_repeat_interleave(count)
            others, _ = self._log_softmax(input_ids=targets[:, :-1], past_key_values=cache)
            log_probabilities = torch.cat([log_probabilities, others], dim=1)
        nats = _nats(log_probabilities, targets, lengths).tolist()
        return [nats[start : start + count] for start in range(0, len(nats), count)]

    def _whole(self, requests: list[Request]) -> list[list[float]]:
        """Score requests with the prompt read once an option."""
        device, scored = self.model.device, []
        for request in requests:
            start = len(request.prompt)
            rows = _padded([request.prompt + ids for ids in request.options], device)
            log_probabilities, _ = self._log_softmax(input_ids=rows[:, :-1])
            lengths = list(map(len, request.options))
            scored.append(_nats(log_probabilities[:, start - 1 :], rows[:, start:], lengths).tolist())
        return scored

    def _room(self, requests: list[Request]) -> int:
        """Return how many of these requests one pass takes."""
        tokens = max(len(ids) for request in requests for ids in request.options)
        kind = self.model.device.type
        return max(1, min(BATCH[kind], LOGITS[kind] // (self.vocabulary * tokens * len(requests[0].options))))

    def score(self, requests: list[Request]) -> list[list[float]]:
        """Return the nats of each option; requests of one length of prompt stand beside each other."""
        scored: list[list[float]] = []
        with loading.inference():
            for _, group in groupby(requests, key=lambda request: (len(request.prompt), len(request.options))):
                alike = list(group)
                room = self._room(alike)
                for start in range(0, len(alike), room):
                    scored += self._batch(alike[start : start + room])
        return scored


def transformers_score(model) -> Score:
    """Return the scoring of options by a loaded model, with or without an adapter."""
    return TransformersProbe(model).score
