"""SentencePiece tokenizers: model folders with tokenizer.model alone, tokenizer.json read by the wrong class, and BPE
of this kind in GGUF.
"""

import io
import json
import shutil
from pathlib import Path

import gguf
import gguf_cases
import hard_texts
import pytest
import real_tokenizers
import sentencepiece
import tiny_models
import torch
from tatara.job.errors import InputError
from tatara.llama.sentencepiece_bpe import sentencepiece_bpe
from tatara.models import base_folder, chat, tokenizer_files
from tatara.models.tokenizer import load_tokenizer
from tokenizers import Tokenizer
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

ROWS = [{"question": pair["question"], "reference": pair["answer"]} for pair in tiny_models.PAIRS[:3]]
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


def train(folder: Path, kind: str, prefix: bool, **settings) -> Path:
    """Train a tokenizer.model with byte fallback into a folder, beside a configuration and a chat template."""
    folder.mkdir(parents=True)
    trained = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*tiny_models.TEXTS, *[text for text in hard_texts.HARD if "#" in text] * 9]),
        model_writer=trained,
        model_type=kind,
        vocab_size=520,
        hard_vocab_limit=False,
        byte_fallback=True,
        add_dummy_prefix=prefix,
        pad_id=3,
        minloglevel=2,
        num_threads=1,
        **{"normalization_rule_name": "identity", "remove_extra_whitespaces": False, **settings},
    )
    (folder / "tokenizer.model").write_bytes(trained.getvalue())
    settings = {"tokenizer_class": "LlamaTokenizer", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def add_weights(folder: Path) -> Path:
    """Put a tiny Llama with random weights into a folder that has a tokenizer.model."""
    size = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model")).get_piece_size()
    torch.manual_seed(0)
    shape = {"hidden_size": 256, "intermediate_size": 256, "num_hidden_layers": 1, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=size, max_position_embeddings=512, bos_token_id=1, eos_token_id=2, **shape)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("prefix", [False, True])
@pytest.mark.parametrize("kind", ["unigram", "bpe"])
def test_a_folder_with_tokenizer_model_alone(tmp_path, kind, prefix):
    """The base has a tokenizer.json with SentencePiece's ids, and so has its GGUF; the user's folder is as it was."""
    source = add_weights(train(tmp_path / "source", kind, prefix))
    before = {file.name: file.read_bytes() for file in source.iterdir()}
    base_folder.build(name="a", source={"file": str(source)}, place=source, folder=tmp_path / "base")
    assert {file.name: file.read_bytes() for file in source.iterdir()} == before
    reference = sentencepiece.SentencePieceProcessor(model_file=str(source / "tokenizer.model"))
    tokenizer = load_tokenizer(tmp_path / "base")
    for text in hard_texts.HARD:
        assert chat.encode_text(tokenizer, text) == reference.encode(text)
        assert chat.decode_answer(tokenizer, reference.encode(text)) == text.strip()
    assert (tokenizer.bos_token, tokenizer.eos_token, tokenizer.pad_token) == ("<s>", "</s>", "<pad>")
    texts = [text for text in hard_texts.HARD if kind == "bpe" or "鱻" not in text]
    allowed = {"max_share_without_token": 0.5}
    outcome = gguf_cases.check(tmp_path / "base", tmp_path / "gguf", ROWS, texts, tiny_models.CONVERSATION, **allowed)
    assert outcome.parity["formats"]["f16"]["token_ids_equal"] and outcome.answer
    assert kind == "unigram" or outcome.parity["formats"]["f16"]["characters_without_token"] == {}


def test_replacements_and_merged_spaces_of_a_tokenizer_model(tmp_path):
    """NFKC as SentencePiece has it by default, and one space for several, in tokenizer.json and in llama.cpp."""
    settings = {"normalization_rule_name": "nmt_nfkc", "remove_extra_whitespaces": True}
    folder = train(tmp_path / "folder", "unigram", True, **settings)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    tokenizer_files.settle(folder)
    reference = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    tokenizer = load_tokenizer(folder)
    # Without what SentencePiece splits in two equally good ways, and characters of several code points.
    texts = [text for text in hard_texts.HARD if "👨" not in text and "#" not in text]
    assert reference.encode("ＡＢＣ") == reference.encode("ABC")
    assert all(chat.encode_text(tokenizer, text) == reference.encode(text) for text in texts)
    model = real_tokenizers.folder_without_weights(folder, tmp_path / "model")
    found = gguf_cases.compare_ids(model, gguf_cases.vocabulary(model, tmp_path / "v.gguf"), texts)
    assert found.different == 0, found.example


def test_a_unigram_tokenizer_that_transformers_takes_for_bpe(tmp_path):
    """The class LlamaTokenizer is BPE whatever tokenizer.json says; the base is read as the file is."""
    folder = tiny_models.make_base(tmp_path / "base", "unigram")
    expected = [chat.encode_text(load_tokenizer(folder), text) for text in hard_texts.HARD]
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    changed = json.dumps(settings | {"tokenizer_class": "LlamaTokenizer"})
    (folder / "tokenizer_config.json").write_text(changed, encoding="utf-8")
    wrong = AutoTokenizer.from_pretrained(folder)
    assert [chat.encode_text(wrong, text) for text in hard_texts.HARD] != expected, "transformers reads it right now"
    base_folder.build(name="a", source={"file": str(folder)}, place=folder, folder=tmp_path / "taken")
    tokenizer = load_tokenizer(tmp_path / "taken")
    assert [chat.encode_text(tokenizer, text) for text in hard_texts.HARD] == expected
    assert (folder / "tokenizer_config.json").read_text(encoding="utf-8") == changed


def test_roles_that_the_models_own_class_alone_knows(tmp_path):
    """The jobs read a tokenizer by the plain class, which takes <s> for nothing where no file says that it is BOS."""
    folder = train(tmp_path / "folder", "bpe", True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    tokenizer_files.make_tokenizer_json(folder)
    settings = {"tokenizer_class": "LlamaTokenizer", "chat_template": TEMPLATE}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    own = AutoTokenizer.from_pretrained(folder)
    assert load_tokenizer(folder).bos_token is None and own.bos_token == "<s>"
    tokenizer_files.settle(folder)
    tokenizer = load_tokenizer(folder)
    assert [getattr(tokenizer, role) for role in tokenizer_files.ROLES] == [
        getattr(own, role) for role in tokenizer_files.ROLES
    ]
    read = Tokenizer.from_file(str(folder / "tokenizer.json"))
    texts = hard_texts.HARD
    assert all(chat.encode_text(tokenizer, text) == read.encode(text, add_special_tokens=False).ids for text in texts)
    assert tokenizer.chat_template == TEMPLATE


def test_tokens_of_a_chat_template_beside_tokenizer_model(tmp_path):
    folder = train(tmp_path / "folder", "unigram", False)
    size = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model")).get_piece_size()
    (folder / "config.json").write_text('{"model_type": "llama"}')
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    kept = shutil.copytree(folder, tmp_path / "kept")

    def with_token(index: int, place: Path) -> None:
        token = {"content": "<|user|>", "special": True, "normalized": False, "lstrip": False, "rstrip": False}
        token |= {"single_word": False}
        content = settings | {"added_tokens_decoder": {str(index): token}}
        (place / "tokenizer_config.json").write_text(json.dumps(content))
        tokenizer_files.settle(place)

    with_token(size, folder)
    assert chat.encode_text(load_tokenizer(folder), "<|user|>堤防")[0] == size
    added = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    assert (size, "<|user|>") in {(token["id"], token["content"]) for token in added}
    with pytest.raises(InputError, match=rf"gives '<\|user\|>' the id {size + 7}, .* only be {size}"):
        with_token(size + 7, kept)


def test_the_real_tokenizer_from_its_tokenizer_model_alone(tmp_path):
    if reason := real_tokenizers.missing_llm_jp():
        pytest.skip(reason)
    folder = tmp_path / "folder"
    folder.mkdir()
    shutil.copyfile(real_tokenizers.LLM_JP / "tokenizer.model", folder / "tokenizer.model")
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    (folder / "config.json").write_text('{"model_type": "llama"}')
    reference = sentencepiece.SentencePieceProcessor(model_file=str(folder / "tokenizer.model"))
    questions = hard_texts.questions()
    texts = hard_texts.HARD + [text for row in questions for text in (row["question"], row["reference"])]
    wrong = AutoTokenizer.from_pretrained(folder)
    assert sum(chat.encode_text(wrong, text) != reference.encode(text) for text in texts) > len(texts) / 4
    tokenizer_files.settle(folder)
    tokenizer = load_tokenizer(folder)
    assert all(chat.encode_text(tokenizer, text) == reference.encode(text) for text in texts)


def test_added_tokens_that_the_merges_make_are_normal_ones():
    """Ollama looks for user-defined tokens in the order of their ids: it would find one line's end in two of them."""
    vocabulary = ["<unk>", "\n", "\n\n", "▁", "▁▁", "<b>", "b", "<|end|>"]
    tokenizer = {
        "version": "1.0",
        "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        "pre_tokenizer": None,
        "model": {
            "type": "BPE",
            "byte_fallback": True,
            "unk_token": "<unk>",
            "vocab": {text: index for index, text in enumerate(vocabulary)},
            "merges": [["\n", "\n"], ["▁", "▁"]],
        },
        "added_tokens": [
            {
                "id": index,
                "content": text,
                "special": text == "<|end|>",
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
            }
            for index, text in enumerate(vocabulary)
            if text not in ("<unk>", "b")
        ],
    }
    found = sentencepiece_bpe(tokenizer, len(vocabulary), lambda text: False)
    kinds = dict(zip(found.tokens, found.types, strict=True))
    normal, own = gguf.TokenType.NORMAL, gguf.TokenType.USER_DEFINED
    assert kinds["\n"] == kinds["\n\n"] == kinds["▁"] == kinds["▁▁"] == kinds["b"] == normal
    assert kinds["<b>"] == own and kinds["<|end|>"] == gguf.TokenType.CONTROL
