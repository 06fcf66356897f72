"""A chat template that the configuration names, for a pretrained model that has none."""

import json
import shutil

import gguf
import pytest
import tiny_models
from pipeline_copy import REPOSITORY
from tatara.job.errors import InputError
from tatara.llama import convert
from tatara.llama.tokenizer_metadata import TEMPLATE, TOKENIZER, keep_tokenizer
from tatara.models import base_folder, chat, tokenizer_files
from tatara.models.tokenizer import load_tokenizer

GEMMA = REPOSITORY / "resources/chat/gemma.jinja"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_models.make_base(tmp_path_factory.mktemp("base") / "base", "llama3")


def test_it_takes_the_place_of_the_models_own_and_the_source_stays(base, tmp_path):
    """Gemma's turns: no turn of the system, whose words stand before the first question."""
    before = {path.name: path.read_bytes() for path in base.iterdir() if path.suffix != ".safetensors"}
    base_folder.build(name="tiny", source={"file": str(base)}, place=base, folder=tmp_path / "own", template=str(GEMMA))
    tokenizer = load_tokenizer(tmp_path / "own")
    assert chat.prompt_text(tokenizer, " 堤防とは何か。 ", tiny_models.CONVERSATION) == (
        f"{tokenizer.bos_token}<start_of_turn>user\n{tiny_models.SYSTEM}\n\n 堤防とは何か。<end_of_turn>\n"
        "<start_of_turn>model\n"
    )
    assert "chat_template" not in json.loads((tmp_path / "own/tokenizer_config.json").read_text(encoding="utf-8"))
    assert before == {path.name: path.read_bytes() for path in base.iterdir() if path.suffix != ".safetensors"}


def test_a_file_that_is_no_template_is_named_with_its_line(base, tmp_path):
    folder, file = tmp_path / "folder", tmp_path / "broken.jinja"
    shutil.copytree(base, folder)
    file.write_text("{{ bos_token }}\n{% for m in messages %}\n{{ m.content }\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.jinja:3: .*expected a chat template in Jinja"):
        tokenizer_files.set_template(folder, file)


def test_a_gguf_file_made_of_a_gguf_file_carries_it(base, tmp_path):
    convert.convert(base, tmp_path / "source.gguf", vocab_only=True)
    keep_tokenizer(tmp_path / "source.gguf", tmp_path, str(GEMMA))
    kept, source = gguf.GGUFReader(tmp_path / TOKENIZER).fields, gguf.GGUFReader(tmp_path / "source.gguf").fields
    assert kept[TEMPLATE].contents() == GEMMA.read_text(encoding="utf-8") != source[TEMPLATE].contents()
    names = {name for name in source if name.startswith("tokenizer.")}
    assert names == {name for name in kept if name.startswith("tokenizer.")}
    assert all(kept[name].contents() == source[name].contents() for name in names - {TEMPLATE})
