"""Unigram tokenizers in GGUF: trained here with and without byte fallback, and the real one of Tanuki's family."""

import contextlib
import json
import shutil
from collections import Counter
from pathlib import Path

import gguf_cases
import hard_texts
import pytest
import real_tokenizers
import tiny_models
import torch
from tatara.evaluate import deploy, modelfile, parity
from tatara.job.errors import InputError
from tatara.llama import gguf_model, token_ids
from tatara.llama.tools import ConversionRefused
from tatara.llm.ollama import Server
from tatara.models import chat, families
from tatara.models.chat_template import Conversation
from tatara.models.tokenizer import load_tokenizer
from transformers import AutoConfig, AutoModelForCausalLM

ROWS = [{"question": pair["question"], "reference": pair["answer"]} for pair in tiny_models.PAIRS[:3]]


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> Path:
    """A tiny model with a Unigram tokenizer with byte fallback, which knows few characters."""
    return tiny_models.make_base(tmp_path_factory.mktemp("unigram") / "base", "unigram")


@pytest.fixture(scope="module")
def files(base, tmp_path_factory) -> dict[str, Path]:
    """Its vocabulary in both forms: parity.byte_fallback -> file."""
    folder = tmp_path_factory.mktemp("vocabularies")
    return {form: gguf_cases.vocabulary(base, folder / f"{form}.gguf", form) for form in ("answers", "prompts")}


def without_token(tokenizer, texts: list[str]) -> Counter:
    """Return the characters of texts that the vocabulary does not hold."""
    known = set(tokenizer.get_vocab())
    return Counter(letter for text in texts for letter in text if letter.replace(" ", "▁") not in known)


def test_what_the_vocabulary_holds_has_equal_ids_and_the_rest_is_counted(base, files):
    tokenizer, texts = load_tokenizer(base), hard_texts.HARD + tiny_models.TEXTS
    found = gguf_cases.compare_ids(base, files["answers"], texts)
    assert found.different == 0, found.example
    assert found.without_token == without_token(tokenizer, texts) and "閘" in found.without_token
    assert found.lines == len(texts) and found.characters == sum(map(len, texts))
    assert found.lines_with_these == sum(bool(without_token(tokenizer, [text])) for text in texts)


def test_any_text_has_equal_ids_where_prompts_are_to_be_right(base, files):
    tokenizer, texts = load_tokenizer(base), hard_texts.HARD + hard_texts.EDGES
    found = gguf_cases.compare_ids(base, files["prompts"], texts)
    assert (found.different, found.lines_with_these) == (0, 0), found.example
    assert without_token(tokenizer, texts), "nothing was asked that the vocabulary does not hold"


def test_what_is_written_of_a_character_without_a_token(base, files):
    tokenizer = load_tokenizer(base)
    ids = chat.encode_text(tokenizer, "堤防の閘 ①")
    written = {}
    for form, file in files.items():
        loaded = gguf_model.load(file, 512, 1, vocab_only=True)
        written[form] = b"".join(map(gguf_model.piece_of(loaded), ids)).decode()
        loaded.close()
    assert written["answers"] == "堤防の閘 ①"
    assert written["prompts"] == "堤防の<0xE9><0x96><0x98> <0xE2><0x91><0xA0>"


def test_a_difference_in_anything_else_is_one():
    byte_tokens = token_ids.ByteTokens({10: 0xE9, 11: 0x96, 12: 0x98}, unknown=0)
    ids = {"閘門": [10, 11, 12, 5], "門": [5], "水門": [6, 5]}

    def compare(llama: dict) -> token_ids.Comparison:
        return token_ids.compare(ids, ids.get, llama.get, byte_tokens)

    right = compare({"閘門": [0, 5], "門": [5], "水門": [6, 5]})
    assert (right.different, right.without_token, right.share_without_token) == (0, Counter("閘"), 1 / 5)
    wrong = compare({"閘門": [0, 6], "門": [5], "水門": [0, 5]})
    assert wrong.different == 2 and wrong.example == {"text": "閘門", "tokenizer": [10, 11, 12, 5], "gguf": [0, 6]}


def test_the_whole_chain_and_its_parity_file(base, tmp_path):
    """The model is the same as GGUF; of its files' text the characters without a token are listed."""
    texts = [*tiny_models.TEXTS, "閘門と陸閘の点検。"]
    outcome = gguf_cases.check(base, tmp_path, ROWS, texts, tiny_models.CONVERSATION, max_share_without_token=0.1)
    entry = outcome.parity["formats"]["f16"]
    assert entry["token_ids_equal"] and entry["mean_kl"] < 1e-4
    assert entry["characters_without_token"]["閘"] == 2 and entry["lines_with_these"] >= 1
    count, characters = sum(entry["characters_without_token"].values()), entry["characters"]
    assert entry["share_without_token"] == pytest.approx(count / characters) and outcome.answer
    with pytest.raises(InputError, match=r"parity\.max_share_without_token.*parity\.byte_fallback: prompts"):
        gguf_cases.check_parity(
            base, {"f16": tmp_path / "f16.gguf"}, ROWS, texts, tiny_models.CONVERSATION, max_share_without_token=0.0
        )


def test_without_byte_fallback_any_text_has_equal_ids(tmp_path):
    folder = tiny_models.make_base(tmp_path / "base", "unigram", byte_fallback=False)
    file = gguf_cases.vocabulary(folder, tmp_path / "vocabulary.gguf")
    tokenizer, texts = load_tokenizer(folder), hard_texts.HARD + hard_texts.EDGES
    found = gguf_cases.compare_ids(folder, file, texts)
    assert found.different == 0, found.example
    assert any(tokenizer.unk_token_id in chat.encode_text(tokenizer, text) for text in texts)


def test_a_normalizer_that_llama_cpp_has_not_is_refused(base, tmp_path):
    tokenizer = load_tokenizer(base)
    changed = tmp_path / "changed"
    changed.mkdir()
    for name in ("config.json", "tokenizer_config.json"):
        (changed / name).write_bytes((base / name).read_bytes())
    text = tokenizer.backend_tokenizer.to_str().replace('"normalizer":null', '"normalizer":{"type":"Lowercase"}')
    (changed / "tokenizer.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConversionRefused, match=r"a space before a text and merge spaces, and nothing else"):
        gguf_cases.vocabulary(changed, tmp_path / "vocabulary.gguf")
    parity.without_gguf(model="a", merged=changed, output=tmp_path / "parity.json", byte_fallback="answers")
    assert "refuses the tokenizer" in (tmp_path / "parity.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def llm_jp(tmp_path_factory) -> Path:
    """A model's folder with the real tokenizer of the llm-jp family, without weights."""
    if reason := real_tokenizers.missing_llm_jp():
        pytest.skip(reason)
    return real_tokenizers.folder_without_weights(real_tokenizers.LLM_JP, tmp_path_factory.mktemp("llm_jp") / "model")


@pytest.mark.parametrize("form", ["answers", "prompts"])
def test_the_real_tokenizer_on_all_text_of_the_domain(llm_jp, tmp_path, form):
    """All 5,578 pairs, the test set, the standards' text where it lies beside the checkout, and what is hard."""
    pairs, questions = hard_texts.pairs(), hard_texts.questions()
    texts = [text for pair in pairs for text in (pair["question"], pair["answer"])]
    texts += [text for row in questions for text in (row["question"], row["reference"])]
    assert len(texts) == 2 * (5578 + 200)
    file = gguf_cases.vocabulary(llm_jp, tmp_path / "vocabulary.gguf", form)
    tokenizer = load_tokenizer(llm_jp)
    for chosen in (texts, hard_texts.HARD, hard_texts.standards()):
        found = gguf_cases.compare_ids(llm_jp, file, chosen)
        assert found.different == 0, found.example
        missing = without_token(tokenizer, chosen)
        assert found.without_token == (missing if form == "answers" else Counter())
        assert found.share_without_token < 1e-3 or chosen is hard_texts.HARD
    assert gguf_cases.compare_ids(llm_jp, file, [" ", "   ", "\n", "\n\n 改行から", "あ\n"]).different == 0


@pytest.mark.services
def test_ollama_reads_prompts_of_the_real_tokenizer_as_in_training(ollama_server, llm_jp, tmp_path):
    """Token by token, where the vocabulary holds the characters; one with 閘 is right in the form `prompts` alone."""
    folder = shutil.copytree(llm_jp, tmp_path / "model")
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    changed = settings | {"chat_template": families.INSTRUCTION_CHAT}
    (folder / "tokenizer_config.json").write_text(json.dumps(changed), encoding="utf-8")
    torch.manual_seed(0)
    config = AutoConfig.from_pretrained(folder)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
    rows = hard_texts.questions()[:40]
    server, tokenizer = Server(ollama_server.url, 60), load_tokenizer(folder)
    for form in ("answers", "prompts"):
        file = gguf_cases.make_files(folder, tmp_path / form, form)["f16"]
        conversation = Conversation("あなたは 技術者です。")
        arguments = {"model": "a", "own_template": None, "conversation": conversation, "limit": 16, "context": 512}
        recipe = modelfile.recipe(base=folder, file=file, **arguments)
        arguments = {"recipe": recipe, "file": file, "base": folder, "rows": rows, "server": server, "threads": 1}
        deploy.deploy(name=f"llm-jp-{form}", output=tmp_path / "check.json", **arguments)
        found = json.loads((tmp_path / "check.json").read_text(encoding="utf-8"))
        assert found["prompts"]["equal"] == found["prompts"]["compared"] == 8
        with pytest.raises(InputError, match="another prompt") if form == "answers" else contextlib.nullcontext():
            deploy.compare_prompts(server, f"llm-jp-{form}", tokenizer, ["閘門とは何か。"], recipe.conversation, 512)
