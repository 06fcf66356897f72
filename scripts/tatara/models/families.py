"""Tokenizers of the paper's families, trained here: Llama 3 and Qwen2 byte-level BPE, and Unigram."""

import io
from dataclasses import dataclass

import sentencepiece
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tatara.files.sample import evenly_spaced
from tatara.job.errors import InputError
from tatara.llama.pretokenizers import LLAMA3_SPLIT, QWEN2_SPLIT

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
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}\n\n### 指示:\n{{ message['content'] }}"
    "{% elif message['role'] == 'system' %}{{ message['content'] }}"
    "{% else %}\n\n### 応答:\n{{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}\n\n### 応答:\n{% endif %}"
)
# SentencePiece finds pieces on one thread: ten thousand paragraphs take ten seconds, a whole corpus minutes.
UNIGRAM_TEXTS = 10_000
# What a Unigram tokenizer without byte fallback knows even where no text has it: a line's end, printable ASCII, kana,
# punctuation.
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
        (
            "<|begin_of_text|>",
            "<|end_of_text|>",
            "<|start_header_id|>",
            "<|end_header_id|>",
            "<|eot_id|>",
            "<|finetune_right_pad_id|>",
        ),
        "<|begin_of_text|>",
        "<|end_of_text|>",
        "<|finetune_right_pad_id|>",
        LLAMA3_CHAT,
    ),
    "qwen2": Family(("<|endoftext|>", "<|im_start|>", "<|im_end|>"), None, "<|im_end|>", "<|endoftext|>", CHATML),
    "unigram": Family(("<unk>", "<s>", "</s>", "<pad>"), "<s>", "</s>", "<pad>", INSTRUCTION_CHAT),
}


def _bpe(texts: list[str], vocab_size: int, family: str) -> Tokenizer:
    llama = family == "llama3"
    # Llama 3 looks a whole piece up before it merges; llama.cpp's `llama-bpe` does the same.
    tokenizer = Tokenizer(models.BPE(ignore_merges=llama))
    if not llama:
        tokenizer.normalizer = normalizers.NFC()
    split = pre_tokenizers.Split(Regex(LLAMA3_SPLIT if llama else QWEN2_SPLIT), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = FAMILIES[family].special
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(special), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _enough(texts: list[str]) -> list[str]:
    """Return texts to find pieces in: evenly spaced, and every further one with a character that no chosen one has."""
    chosen = evenly_spaced(texts, UNIGRAM_TEXTS)
    known = set("".join(chosen))
    for text in texts:
        if not known.issuperset(text):
            chosen.append(text)
            known.update(text)
    return chosen


def _unigram(texts: list[str], vocab_size: int, byte_fallback: bool) -> Tokenizer:
    special = FAMILIES["unigram"].special
    texts = _enough(texts)
    # Released vocabularies with bytes hold a line's end and a space beside them.
    spare = (
        ["\n", "▁", *(f"<0x{value:02X}>" for value in range(256))]
        if byte_fallback
        else [letter for letter in ALPHABET if letter not in set("".join(texts))]
    )
    pieces = _unigram_pieces(texts, vocab_size - len(special) - len(spare))
    # Bytes stand in for unknown characters only, so they score below every piece.
    floor = min(score for _, score in pieces) - 10.0
    known = {piece for piece, _ in pieces}
    vocabulary = (
        [(token, 0.0) for token in special] + [(token, floor) for token in spare if token not in known] + pieces
    )
    tokenizer = Tokenizer(models.Unigram(vocabulary, unk_id=0, byte_fallback=byte_fallback))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="never")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse(), decoders.Replace("▁", " ")])
    return tokenizer


def _unigram_pieces(texts: list[str], count: int) -> list[tuple[str, float]]:
    """Train pieces, at most `count`, with SentencePiece on one thread: the trainer of `tokenizers` gives other scores
    on every run.

    Raises:
        InputError: the text has more characters than there may be pieces.
    """
    trained = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(texts),
            model_writer=trained,
            model_type="unigram",
            vocab_size=count + 1,
            hard_vocab_limit=False,
            num_threads=1,
            character_coverage=1.0,
            normalization_rule_name="identity",
            add_dummy_prefix=False,
            remove_extra_whitespaces=False,
            max_sentence_length=1_000_000,
            unk_id=0,
            bos_id=-1,
            eos_id=-1,
            pad_id=-1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise InputError(
            f"config key source.scratch.vocab_size leaves {count} pieces for a Unigram vocabulary; SentencePiece "
            f"says: {error}"
        ) from None
    model = sentencepiece.SentencePieceProcessor(model_proto=trained.getvalue())
    return [(model.id_to_piece(i), model.get_score(i)) for i in range(1, model.get_piece_size())]


def train_tokenizer(
    texts: list[str], family: str, vocab_size: int, byte_fallback: bool = True
) -> PreTrainedTokenizerFast:
    """Train a tokenizer of one family (`llama3`, `qwen2`, `unigram`) with its special tokens and chat template.

    Args:
        byte_fallback: of a Unigram tokenizer: write unknown characters as bytes, else as one unknown token, which
            llama.cpp can do as well.
    """
    known = FAMILIES[family]
    tokenizer = _unigram(texts, vocab_size, byte_fallback) if family == "unigram" else _bpe(texts, vocab_size, family)
    tokenizer.add_special_tokens(list(known.special))
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=known.bos,
        eos_token=known.eos,
        pad_token=known.pad,
        unk_token="<unk>" if family == "unigram" else None,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = known.chat
    return fast
