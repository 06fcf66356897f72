"""Small base models built and pretrained here, in the shapes of the paper's four (`source: scratch` in the config).

They carry the real tokenizer families, attention shapes and biases, so every stage meets the same cases as with 8 B models;
what they know is what a minute or two of pretraining on the graph's text gives them.
"""

import io
import math
from dataclasses import dataclass
from pathlib import Path

import sentencepiece
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM, LlamaConfig, PreTrainedTokenizerFast, Qwen2Config

from tatara.errors import InputError
from tatara.progress import Progress
from tatara.sample import spread

# Pre-tokenizer expressions as published with the models; llama.cpp knows them as `llama-bpe` and `qwen2`.
LLAMA3_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
QWEN2_SPLIT = LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")

LLAMA3_CHAT = (
    "{{ bos_token }}{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
    "{{ message['content'] | trim }}<|eot_id|>{% endfor %}"
    "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}"
)
CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# The instruction form of the llm-jp family, to which Tanuki belongs: no roles, a heading before each turn.
INSTRUCTION_CHAT = (
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}\n\n### 指示:\n{{ message['content'] }}"
    "{% elif message['role'] == 'system' %}{{ message['content'] }}"
    "{% else %}\n\n### 応答:\n{{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}\n\n### 応答:\n{% endif %}"
)


UNIGRAM_TEXTS = 10_000  # SentencePiece finds pieces on one thread: ten thousand paragraphs take it ten seconds, a whole corpus minutes
# What a Unigram tokenizer without byte fallback knows even where no text has it: a line's end, printable ASCII, kana, punctuation.
ALPHABET = [
    "\n",
    "▁",
    *map(chr, range(0x21, 0x7F)),
    *map(chr, range(0x3041, 0x3097)),
    *map(chr, range(0x30A1, 0x30FB)),
    *"ー、。・「」『』（）［］：；？！～",
]


@dataclass(frozen=True)
class Family:
    """What one tokenizer family needs: its special tokens in order of id, its chat template."""

    special: tuple[str, ...]
    bos: str | None
    eos: str
    pad: str
    chat: str


FAMILIES = {
    "llama3": Family(
        ("<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|finetune_right_pad_id|>"),
        "<|begin_of_text|>", "<|end_of_text|>", "<|finetune_right_pad_id|>", LLAMA3_CHAT,
    ),
    "qwen2": Family(("<|endoftext|>", "<|im_start|>", "<|im_end|>"), None, "<|im_end|>", "<|endoftext|>", CHATML),
    "unigram": Family(("<unk>", "<s>", "</s>", "<pad>"), "<s>", "</s>", "<pad>", INSTRUCTION_CHAT),
}  # fmt: skip


def _bpe(texts: list[str], vocab_size: int, family: str) -> Tokenizer:
    llama = family == "llama3"
    # Llama 3 looks a whole piece up before it merges; llama.cpp's `llama-bpe` does the same.
    tokenizer = Tokenizer(models.BPE(ignore_merges=llama))
    if not llama:
        tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(LLAMA3_SPLIT if llama else QWEN2_SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel()
    special = FAMILIES[family].special
    trainer = trainers.BpeTrainer(vocab_size=vocab_size - len(special), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _enough(texts: list[str]) -> list[str]:
    """Return texts to find pieces in: evenly spaced, and every further one with a character that no chosen one has."""
    chosen = spread(texts, UNIGRAM_TEXTS)
    known = set("".join(chosen))
    for text in texts:
        if not known.issuperset(text):
            chosen.append(text)
            known.update(text)
    return chosen


def _unigram(texts: list[str], vocab_size: int, byte_fallback: bool) -> Tokenizer:
    special = FAMILIES["unigram"].special
    texts = _enough(texts)
    spare = [f"<0x{value:02X}>" for value in range(256)] if byte_fallback else [letter for letter in ALPHABET if letter not in set("".join(texts))]
    pieces = _unigram_pieces(texts, vocab_size - len(special) - len(spare))
    # Bytes stand in for unknown characters only, so they score below every piece.
    floor = min(score for _, score in pieces) - 10.0
    known = {piece for piece, _ in pieces}
    vocabulary = [(token, 0.0) for token in special] + [(token, floor) for token in spare if token not in known] + pieces
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=byte_fallback))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), decoders.Replace("▁", " ")])
    return tokenizer


def _unigram_pieces(texts: list[str], count: int) -> list[tuple[str, float]]:
    """Train pieces, at most `count`, with SentencePiece on one thread: the trainer of `tokenizers` gives other scores on every run.

    Raises:
        InputError: the text has more characters than there may be pieces.
    """
    trained = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts), model_writer=trained, model_type="unigram", vocab_size=count + 1, hard_vocab_limit=False, num_threads=1,
            character_coverage=1.0, normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False,
            max_sentence_length=1_000_000, unk_id=0, bos_id=-1, eos_id=-1, pad_id=-1, minloglevel=2,
        )  # fmt: skip
    except RuntimeError as error:
        raise InputError(
            f"config key source.scratch.vocab_size leaves {count} pieces for a Unigram vocabulary; SentencePiece says: {error}"
        ) from None
    model = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    return [(model.id_to_piece(i), model.get_score(i)) for i in range(1, model.get_piece_size())]


def train_tokenizer(texts: list[str], family: str, vocab_size: int, byte_fallback: bool = True) -> PreTrainedTokenizerFast:
    """Train a tokenizer of one family (`llama3`, `qwen2`, `unigram`) with its special tokens and chat template.

    Args:
        byte_fallback: of a Unigram tokenizer: write unknown characters as bytes, else as one unknown token, which llama.cpp can do as well.
    """
    known = FAMILIES[family]
    tokenizer = _unigram(texts, vocab_size, byte_fallback) if family == "unigram" else _bpe(texts, vocab_size, family)
    tokenizer.add_special_tokens(list(known.special))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token=known.bos, eos_token=known.eos, pad_token=known.pad,
        unk_token="<unk>" if family == "unigram" else None, clean_up_tokenization_spaces=False,
    )  # fmt: skip
    fast.chat_template = known.chat
    return fast


def make_model(tokenizer: PreTrainedTokenizerFast, shape: dict, seed: int) -> torch.nn.Module:
    """Return a model with random weights.

    Args:
        shape: `architecture` (`llama` or `qwen2`), `hidden_size`, `intermediate_size`, `layers`, `heads`, `kv_heads`, `context`.
    """
    torch.manual_seed(seed)
    configuration = {"llama": LlamaConfig, "qwen2": Qwen2Config}[shape["architecture"]](
        vocab_size=len(tokenizer),
        hidden_size=shape["hidden_size"],
        intermediate_size=shape["intermediate_size"],
        num_hidden_layers=shape["layers"],
        num_attention_heads=shape["heads"],
        num_key_value_heads=shape["kv_heads"],
        max_position_embeddings=shape["context"],
        tie_word_embeddings=False,
        rms_norm_eps=1e-5,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = AutoModelForCausalLM.from_config(configuration, dtype=torch.float32)
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    return model


def token_stream(tokenizer, texts: list[str]) -> torch.Tensor:
    """Return the texts as one row of token ids, each closed by the end-of-text token."""
    return torch.tensor([token for text in texts for token in [*tokenizer(text, add_special_tokens=False)["input_ids"], tokenizer.eos_token_id]])


def pretrain(model, tokenizer, texts: list[str], *, steps: int, batch_size: int, block: int, learning_rate: float, seed: int) -> list[float]:
    """Train all weights on the texts as one stream of tokens, on the model's device; return the loss of each step in nats per token.

    On a GPU matrix products are in bf16 and the weights in float32; the losses stay there until the end, so that no step waits for the one
    before. A killed run begins anew: it is minutes of work.

    Args:
        block: tokens in one row; a step sees `batch_size` rows, cut at seeded offsets of the stream.
    """
    place = model.device
    fast = place.type == "cuda"
    stream = token_stream(tokenizer, texts)
    block = min(block, len(stream) - 1)
    last, stream, window = len(stream) - block, stream.to(place), torch.arange(block)
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, betas=(0.9, 0.95), weight_decay=0.1, fused=fast or None)
    warmup = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, 0.1 + 0.45 * (1 + math.cos(math.pi * step / steps)))
    )
    model.train()
    losses = []
    for _ in Progress(range(steps), "pretraining", lambda: f"loss {losses[-1].item():.3f}" if losses else ""):
        starts = torch.randint(0, last, (batch_size,), generator=generator)
        rows = stream[(starts[:, None] + window).to(place, non_blocking=True)]
        with torch.autocast(place.type, torch.bfloat16, enabled=fast):
            loss = model(input_ids=rows, labels=rows, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        schedule.step()
        losses.append(loss.detach())
    return torch.stack(losses).tolist()


def held_out_loss(model, tokenizer, texts: list[str], block: int) -> dict:
    """Return what the model makes of texts that it was not trained on: nats per token, bits per byte, tokens.

    Args:
        block: tokens that are read at once; each row begins without what went before it.
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


def build(texts: list[str], source: dict, seed: int, folder: Path, place: torch.device, held_out: list[str]) -> dict:
    """Build, pretrain and save a stand-in; return what is known of it.

    Args:
        texts: the pretraining text, one document an entry.
        source: the `scratch` section of a model in the config.
        folder: gets config.json, model.safetensors and the tokenizer.
        held_out: texts that it is measured on and not trained on; may be empty.
    """
    tokenizer = train_tokenizer(texts, source["tokenizer"], source["vocab_size"], source["byte_fallback"])
    model = make_model(tokenizer, source, seed).to(place)
    losses = pretrain(
        model, tokenizer, texts, steps=source["steps"], batch_size=source["batch_size"], block=source["block"],
        learning_rate=source["learning_rate"], seed=seed,
    )  # fmt: skip
    measured = {"held_out": held_out_loss(model, tokenizer, held_out, source["block"])} if held_out else {}
    # The paper's bases are bf16 files, and so is this one.
    model.to("cpu", torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return {"parameters": model.num_parameters(), "vocabulary": len(tokenizer), "first_loss": losses[0], "last_loss": losses[-1], **measured}
