"""Run llama.cpp's own convert_hf_to_gguf.py, telling it tokenizers that llama.cpp implements but the converter cannot
recognise.

The converter recognises a BPE tokenizer by a hash of what it makes of one text, so a new vocabulary is refused even
where its pre-tokenizer is one that llama.cpp implements; here the pre-tokenizer itself is compared. Vocabularies of the
SentencePiece kind are written from the tokenizer.json, since that is what the model was trained with: the converter
reads tokenizer.model, and takes Unigram for BPE there. Where a model came from a GGUF file, that file's tokenizer is
carried over. Everything else is the converter's.

Usage: python -m tatara.llama.converter LLAMA_CPP_SOURCE BYTE_FALLBACK MODEL_FOLDER [arguments of the converter]
"""

import json
import runpy
import sys
from pathlib import Path


def special_tokens(model: Path, count: int):
    """Return the ids of special tokens and the chat template of a model's folder, for a vocabulary of `count` tokens.

    No file asks for BOS or EOS beside a text: prompts hold every special token that they need.
    """
    import gguf

    special = gguf.SpecialVocab(model, n_vocab=count)
    special.add_special_token = {"bos": False, "eos": False}
    special.merges = []
    return special


def set_vocabulary(converter, byte_fallback: str) -> bool:
    """Write the vocabulary of the converter's model where that is done here; return whether it is.

    Args:
        converter: a `conversion.base.TextModel`.
        byte_fallback: one of `unigram.BYTE_FALLBACK`.
    """
    from tatara.llama.sentencepiece_bpe import is_sentencepiece_bpe, sentencepiece_bpe
    from tatara.llama.tokenizer_metadata import TOKENIZER, copy_tokenizer
    from tatara.llama.unigram import unigram

    folder, writer, size = converter.dir_model, converter.gguf_writer, converter.hparams["vocab_size"]
    if (folder / TOKENIZER).is_file():
        copy_tokenizer(folder / TOKENIZER, writer)
        return True
    if not (folder / "tokenizer.json").is_file():
        return False
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    if tokenizer["model"]["type"] == "Unigram":
        vocabulary = unigram(tokenizer, size, byte_fallback, converter.does_token_look_special)
    elif is_sentencepiece_bpe(tokenizer):
        vocabulary = sentencepiece_bpe(tokenizer, size, converter.does_token_look_special)
    else:
        return False
    vocabulary.write(writer)
    special_tokens(folder, size).add_to_gguf(writer)
    return True


def teach(base, byte_fallback: str) -> None:
    """Make `conversion.base` take the vocabularies and pre-tokenizers that are known here."""
    from tatara.llama.pretokenizers import known_pretokenizer

    recognise, prepare = base.TextModel.get_vocab_base_pre, base.TextModel.prepare_metadata

    def get_vocab_base_pre(self, tokenizer):
        try:
            return recognise(self, tokenizer)
        except NotImplementedError:
            name = known_pretokenizer(self.dir_model / "tokenizer.json")
            if name is None:
                raise
            return name

    def prepare_metadata(self, vocab_only):
        own = self.set_vocab

        def set_vocab():
            if set_vocabulary(self, byte_fallback):
                return
            try:
                own()
            except (ValueError, FileNotFoundError):  # Phi-3's asks for tokenizer.model whatever the tokenizer is
                if (self.dir_model / "tokenizer.model").is_file():
                    raise
                self._set_vocab_gpt2()

        self.set_vocab = set_vocab
        prepare(self, vocab_only=vocab_only)

    base.TextModel.get_vocab_base_pre, base.TextModel.prepare_metadata = get_vocab_base_pre, prepare_metadata


def main() -> None:
    source, byte_fallback = Path(sys.argv[1]), sys.argv[2]
    sys.path.insert(0, str(source))
    sys.path.insert(0, str(source / "gguf-py"))
    from conversion import base

    teach(base, byte_fallback)
    script = source / "convert_hf_to_gguf.py"
    sys.argv = [str(script), *sys.argv[3:]]
    runpy.run_path(str(script), run_name="__main__")


if __name__ == "__main__":
    main()
