"""Training of all weights on plain text, and the likelihood of text that was held out."""

import math

import torch

from tatara.job.progress import Progress

LOGITS = {"cuda": 2**30, "cpu": 2**28}  # at once, about 14 bytes each: Gemma 3 has 262,144 a token


def token_stream(tokenizer, texts: list[str]) -> torch.Tensor:
    """Return the texts as one row of token ids, each closed by the end-of-text token."""
    return torch.tensor(
        [
            token
            for text in texts
            for token in [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]
        ]
    )


def pretrain(model, tokenizer, texts: list[str], settings: dict) -> list[float]:
    """Train all weights on the texts as one stream of tokens, on the model's device.

    On a GPU matrix products are in bf16 and the weights in float32; the losses stay there until the end, so that no
    step waits for the one before. A large vocabulary has few rows a forward pass, and as many a step. A killed run
    begins anew: it is minutes of work.

    Args:
        settings: `steps`, `batch_size` (rows a step), `block` (tokens a row), `learning_rate` (its peak), and `seed`
            (of the rows' places in the stream).

    Returns:
        The loss of each step in nats per token.
    """
    place, steps = model.device, settings["steps"]
    fast = place.type == "cuda"
    stream = token_stream(tokenizer, texts)
    block = min(settings["block"], len(stream) - 1)
    last, stream, window = len(stream) - block, stream.to(place), torch.arange(block)
    generator = torch.Generator().manual_seed(settings["seed"])
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings["learning_rate"], betas=(0.9, 0.95), weight_decay=0.1, fused=fast or None
    )
    warmup = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, 0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))
    )
    model.train()
    batch, losses = settings["batch_size"], []
    together = max(1, LOGITS[place.type] // (block * model.config.vocab_size))
    for _ in Progress(range(steps), "pretraining", lambda: f"loss {losses[-1].item():.3f}" if losses else ""):
        starts = torch.randint(0, last, (batch,), generator=generator)
        step = torch.zeros((), device=place)
        for rows in stream[(starts[:, None] + window).to(place, non_blocking=True)].split(together):
            with torch.autocast(place.type, torch.bfloat16, enabled=fast):
                loss = model(input_ids=rows, labels=rows, use_cache=False).loss * (len(rows) / batch)
            loss.backward()
            step += loss.detach()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        losses.append(step)
    return torch.stack(losses).tolist()


def held_out_loss(model, tokenizer, texts: list[str], block: int) -> dict:
    """Return the loss on texts that the model was not trained on: nats per token, bits per byte, tokens.

    Args:
        block: tokens of a row; each row is read without the one before it.
    """
    stream = token_stream(tokenizer, texts)
    nats = tokens = 0
    model.eval()
    with torch.inference_mode():
        for row in stream.split(block):
            if len(row) > 1:
                row = row[None].to(model.device)
                nats += model(input_ids=row, labels=row).loss.item() * (row.shape[1] - 1)
                tokens += row.shape[1] - 1
    # The first token of a row is given, not predicted; its bytes are left out in proportion.
    size = sum(len(text.encode()) for text in texts) * tokens / len(stream)
    return {"nll": nats / tokens, "bits_per_byte": nats / (math.log(2) * size), "tokens": tokens}
