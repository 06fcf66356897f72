"""The tokenizer of a model's folder: one tokenizer.json, and everything reads the same from it.

transformers decides by the class that tokenizer_config.json names. LlamaTokenizer (of transformers 5) is BPE whatever
the file holds: a Unigram tokenizer of that class gets other ids for most texts, and so does a `tokenizer.model` of
Unigram. A model that is trained on such ids is trained on another text than its base.
"""

import json
import logging
from pathlib import Path

from jinja2 import Environment, TemplateSyntaxError
from sentencepiece import SentencePieceProcessor, sentencepiece_model_pb2
from tokenizers import Tokenizer
from transformers import AutoTokenizer

from tatara.files.text import write_json, write_text
from tatara.job.errors import InputError
from tatara.models import chat
from tatara.models.fast_tokenizer import Pieces, of_pieces
from tatara.models.tokenizer import load_tokenizer

logger = logging.getLogger("tatara")
# Texts that ids are compared on: words that Unigram and BPE split in different ways, spaces, line ends, digits, letters
# of other widths, characters that few vocabularies hold. Another kind of model, prefix or normalizer shows in one.
TEXTS = (
    "堤防の高さは、計画高水位に余裕高を加えた高さ以上とする（設計編 第1章 総則）。",
    "河川管理施設の維持管理計画に基づく点検の結果を、次の点検までに評価してください。",
    "水門及び樋門は、洪水時に確実に操作できる構造とし、ゲートの開閉装置を備えるものとする。",
    "砂防堰堤の袖は、両岸の地山に十分に貫入させ、土石流の衝撃に対して安全なものとする。",
    "ダムの貯水池では、堆砂量を毎年測量し、計画堆砂量 1,234,567 m³ と比べる。",
    "  先頭の空白、途中の  二つの空白\tタブ\n改行\n\n空の行の後 \n",
    "### 指示:\n床止めの機能は何か。\n\n### 応答:\n",
    "The quick brown fox doesn't jump over 12 lazy dogs, e.g. in FORTRAN77 (x+y=z).",
    "ＡＢＣ１２３ ｶﾀｶﾅ ㎥/s ①② Ⅳ がぎ 鱻の護岸🌊 閘門",
)
UNIGRAM, BPE = 1, 2  # SentencePiece's model types
SAME_SCORE = 1e-3  # log-likelihoods of a text as near as this are equal but for rounding
ROLES = ("bos_token", "eos_token", "unk_token", "pad_token")
PLAIN_CLASS = "PreTrainedTokenizerFast"  # transformers' class that takes a tokenizer.json as it is


def _model_proto(file: Path):
    proto = sentencepiece_model_pb2.ModelProto()
    proto.ParseFromString(file.read_bytes())
    return proto


def pieces_of(file: Path) -> Pieces:
    """Return the pieces of a `tokenizer.model`.

    Raises:
        InputError: its vocabulary is of words or characters.
    """
    proto = _model_proto(file)
    if proto.trainer_spec.model_type not in (UNIGRAM, BPE):
        raise InputError(f"{file}: a vocabulary of words or characters; expected Unigram or BPE")
    return Pieces(
        unigram=proto.trainer_spec.model_type == UNIGRAM,
        texts=[piece.piece for piece in proto.pieces],
        scores=[piece.score for piece in proto.pieces],
        kinds=[piece.type for piece in proto.pieces],
        unknown=proto.trainer_spec.unk_id,
        prefix=proto.normalizer_spec.add_dummy_prefix,
        merge_spaces=proto.normalizer_spec.remove_extra_whitespaces,
        charsmap=proto.normalizer_spec.precompiled_charsmap,
    )


def _settings(folder: Path) -> dict:
    file = folder / "tokenizer_config.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _special_tokens(file: Path, pieces: Pieces) -> dict[str, str]:
    """Return the roles that a `tokenizer.model` gives to its tokens."""
    trained = _model_proto(file).trainer_spec
    ids = {"bos_token": trained.bos_id, "eos_token": trained.eos_id}
    ids |= {"pad_token": trained.pad_id, "unk_token": trained.unk_id}
    return {role: pieces.texts[index] for role, index in ids.items() if 0 <= index < len(pieces.texts)}


def _add_tokens(folder: Path, tokens: dict[str, dict]) -> None:
    """Write the tokens that a tokenizer_config.json adds, such as those of a chat template, into tokenizer.json too.

    Raises:
        InputError: a token would get another id than the file says.
    """
    loaded = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for index, token in tokens.items():
        got = loaded.convert_tokens_to_ids(token["content"])
        if got != int(index):
            raise InputError(
                f"{folder / 'tokenizer_config.json'}: added_tokens_decoder gives {token['content']!r} the id {index}, "
                f"beside tokenizer.model it can only be {got}"
            )
    loaded.backend_tokenizer.save(str(folder / "tokenizer.json"))


def _tie(pieces: Pieces, one: list[int], other: list[int]) -> bool:
    """Return whether two ways to split a text by Unigram are equally good, as ## # and # ## may be: SentencePiece adds
    up scores in 32 bits, a fast tokenizer in 64.
    """
    best, second = (sum(pieces.scores[index] for index in ids if index < len(pieces.scores)) for ids in (one, other))
    return pieces.unigram and abs(best - second) < SAME_SCORE


def make_tokenizer_json(folder: Path) -> None:
    """Make tokenizer.json of a folder's `tokenizer.model`; both give the same ids on TEXTS.

    Raises:
        InputError: they do not.
    """
    source = folder / "tokenizer.model"
    pieces = pieces_of(source)
    tokenizer, reference = of_pieces(pieces), SentencePieceProcessor(model_file=str(source))
    for text in TEXTS:
        expected, got = reference.encode(text), tokenizer.encode(text, add_special_tokens=False).ids
        if expected != got and not _tie(pieces, expected, got):
            raise InputError(
                f"{source}: the tokenizer made of it gives other ids than SentencePiece for {text!r}: {got}, expected "
                f"{expected}. Take a model whose folder has a tokenizer.json"
            )
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = _special_tokens(source, pieces) | _settings(folder) | {"tokenizer_class": PLAIN_CLASS}
    write_json(folder / "tokenizer_config.json", settings)
    _add_tokens(folder, settings.get("added_tokens_decoder", {}))
    logger.info("%s: tokenizer.json made of tokenizer.model; both give the same ids on %d texts", folder, len(TEXTS))


def set_template(folder: Path, template: Path | str | None) -> None:
    """Put the chat template that the configuration names into a model's folder, in place of its own; None leaves that.

    Raises:
        InputError: it is no Jinja template (file, line).
    """
    if not template:
        return
    text = Path(template).read_text(encoding="utf-8")
    try:
        Environment(extensions=["jinja2.ext.loopcontrols"]).parse(text)
    except TemplateSyntaxError as error:
        raise InputError(f"{template}:{error.lineno}: {error.message}; expected a chat template in Jinja") from error
    settings = _settings(folder)
    if settings.pop("chat_template", None):
        write_json(folder / "tokenizer_config.json", settings)
    write_text(folder / "chat_template.jinja", text)


def _keep_roles(folder: Path, own) -> None:
    """Write the roles of tokens that only a model's own class of tokenizer knows into tokenizer_config.json, since the
    jobs read a folder's tokenizer by the plain class.

    Args:
        own: the tokenizer by the model's own class.
    """
    plain = load_tokenizer(folder)
    known = plain.get_vocab()
    roles = {role: str(token) for role in ROLES if (token := getattr(own, role)) is not None and str(token) in known}
    if any(str(getattr(plain, role)) != token for role, token in roles.items()):
        write_json(folder / "tokenizer_config.json", _settings(folder) | roles | {"tokenizer_class": PLAIN_CLASS})


def settle(folder: Path) -> None:
    """Make a model's folder one whose tokenizer.json is there and is what transformers reads, on TEXTS, by the model's
    own class and by the plain one (`tokenizer.load_tokenizer`).

    The folder's files are replaced where they must change, never written in place.

    Raises:
        InputError: there is no tokenizer, or none that gives the ids of its own files.
    """
    if not (folder / "tokenizer.json").is_file() and (folder / "tokenizer.model").is_file():
        make_tokenizer_json(folder)
    if not (folder / "tokenizer.json").is_file():
        loaded = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        loaded.save_pretrained(folder)
        _keep_roles(folder, loaded)
        return
    own = Tokenizer.from_file(str(folder / "tokenizer.json"))
    expected = [own.encode(text, add_special_tokens=False).ids for text in TEXTS]

    def same(loaded) -> bool:
        return all(chat.encode_text(loaded, text) == ids for text, ids in zip(TEXTS, expected, strict=True))

    loaded = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    if same(loaded):
        _keep_roles(folder, loaded)
        return
    settings = _settings(folder)
    logger.warning(
        "%s: transformers reads other ids from this tokenizer.json by the class %s; it is read as it is instead",
        folder,
        settings.get("tokenizer_class"),
    )
    write_json(folder / "tokenizer_config.json", settings | {"tokenizer_class": PLAIN_CLASS})
    _keep_roles(folder, loaded)
    if not same(load_tokenizer(folder)):
        raise InputError(f"{folder}: transformers reads other ids from its tokenizer.json than the file itself gives")
