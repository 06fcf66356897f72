"""Models on a real Ollama server: deployed and checked token by token, answering, and every fault with its remedy."""

import csv
import json
import os
import shutil
import subprocess
from pathlib import Path

import ollama_server as ollama
import pytest
import yaml
from pipeline_copy import REPOSITORY, Copy
from proxy import HttpProxy
from tatara.evaluate import deploy, modelfile
from tatara.evaluate.answers import AnswerFiles
from tatara.evaluate.answers_gguf import answer_gguf
from tatara.evaluate.answers_ollama import answer_ollama
from tatara.evaluate.ollama_template import frame_of, ollama_template
from tatara.files.jsonl import read_jsonl
from tatara.job.errors import InputError
from tatara.llama import convert, quantize
from tatara.llm.ollama import Server
from tatara.models import chat, gguf_source, loading
from tatara.models.chat_template import Conversation, render
from tatara.models.tokenizer import load_tokenizer
from tiny_models import CONVERSATION, SYSTEM, make_base

pytestmark = pytest.mark.services
FAMILIES = ("llama3", "qwen2", "unigram")


@pytest.fixture(scope="module")
def standins(tmp_path_factory) -> Path:
    """A folder with a stand-in of each family, and its GGUF files in F16 and Q4_K_M."""
    folder = tmp_path_factory.mktemp("standins")
    for family in FAMILIES:
        make_base(folder / family, family, byte_fallback=False)
        convert.convert(folder / family, folder / f"{family}-f16.gguf")
        quantize.quantize(folder / f"{family}-f16.gguf", folder / f"{family}-q4.gguf", "q4", 2)
    return folder


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    found = read_jsonl(REPOSITORY / "resources/testset/test_set_200.jsonl")
    return sorted(found, key=lambda row: len(row["question"]))[:6]


def make_recipe(folder: Path, family: str, fmt: str = "f16", **changes) -> modelfile.Recipe:
    arguments = {
        "model": family,
        "own_template": None,
        "conversation": CONVERSATION,
        "limit": 24,
        "context": 512,
    } | changes
    return modelfile.recipe(base=folder / family, file=folder / f"{family}-{fmt}.gguf", **arguments)


def make(
    server: str,
    folder: Path,
    family: str,
    rows: list[dict],
    output: Path,
    fmt: str = "f16",
    recipe: modelfile.Recipe | None = None,
) -> dict:
    deploy.deploy(
        name=f"tatara-{family}:{fmt}",
        recipe=recipe or make_recipe(folder, family, fmt),
        file=folder / f"{family}-{fmt}.gguf",
        base=folder / family,
        rows=rows,
        server=Server(server, 60),
        output=output,
        threads=1,
    )
    return json.loads(output.read_text())


@pytest.mark.parametrize("family", FAMILIES)
def test_a_conversation_is_built_as_the_models_own_template_builds_it(standins, family, ollama_server, tmp_path):
    """Of several turns as well, which no rule of the pipeline asks for."""
    make(ollama_server.url, standins, family, [], tmp_path / "check.json")
    tokenizer = load_tokenizer(standins / family)
    turns = [("user", "堤防とは。"), ("assistant", "土の構造物。"), ("user", "護岸は?")]
    messages = [{"role": role, "content": content} for role, content in turns]
    expected = render(tokenizer, messages, CONVERSATION, True)
    with Server(ollama_server.url, 60).client._client as client:
        request = {"model": f"tatara-{family}:f16", "messages": messages, "stream": False, "_debug_render_only": True}
        built = client.post("/api/chat", json=request).json()["_debug_info"]["rendered_template"]
    bos = tokenizer.bos_token if modelfile.adds_bos(standins / f"{family}-f16.gguf") else ""
    assert bos + built == expected
    assert (family == "llama3") == bool(bos)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("fmt", ["f16", "q4"])
def test_prompts_agree_with_transformers_and_answers_with_llama_cpp_token_by_token(
    standins, rows, family, fmt, ollama_server, tmp_path
):
    found = make(ollama_server.url, standins, family, rows, tmp_path / "check.json", fmt)
    tokenizer = load_tokenizer(standins / family)
    prompts = [chat.encode_prompt(tokenizer, row["question"], CONVERSATION) for row in rows]
    assert found["prompts"] == {"compared": 6, "equal": 6, "tokens": sum(map(len, prompts))}
    assert found["answers"]["compared"] == 4 and found["answers"]["equal"] + len(found["answers"]["ties"]) == 4
    assert found["model"] == f"tatara-{family}:{fmt}" and len(found["digest"]) == 64


def test_a_second_bos_and_another_template_are_told_by_the_first_token_that_differs(
    standins, rows, ollama_server, tmp_path
):
    right = make_recipe(standins, "llama3")
    bos, header = r"\d+ \('<\|begin_of_text\|>'\)", r"\d+ \('<\|start_header_id\|>'\)"
    twice = right.template.replace('{{ "<|start_header_id|>system', '{{ "<|begin_of_text|><|start_header_id|>system')
    for template, message in [
        (twice, rf"token 1 of .* is {bos}, expected {header}"),
        ("{{ .System }} {{ .Prompt }}", rf"token 1 of .* expected {header}"),
    ]:
        assert template != right.template
        with pytest.raises(InputError, match=message):
            make(
                ollama_server.url,
                standins,
                "llama3",
                rows,
                tmp_path / "check.json",
                recipe=modelfile.Recipe(template, CONVERSATION, right.parameters),
            )
    assert not (tmp_path / "check.json").exists()
    # One of the user's own is taken, and held to the same check.
    (tmp_path / "own.gotmpl").write_text(right.template + "{{/* mine */}}")
    own = make_recipe(standins, "llama3", own_template=tmp_path / "own.gotmpl")
    assert "mine" in own.template and make(
        ollama_server.url, standins, "llama3", rows[:1], tmp_path / "check.json", recipe=own
    )


def test_another_model_under_the_name_is_told_by_its_answers(standins, rows, ollama_server, tmp_path):
    other = make_base(tmp_path / "qwen2", "qwen2")
    model = loading.load_model(other, loading.device("cpu"))
    model.lm_head.weight.data.neg_()
    model.save_pretrained(other)
    convert.convert(other, tmp_path / "other.gguf")
    recipe = make_recipe(standins, "qwen2")
    server = Server(ollama_server.url, 60)
    server.create(
        "other", tmp_path / "other.gguf", template=recipe.template, system=SYSTEM, parameters=recipe.parameters
    )
    tokenizer = load_tokenizer(standins / "qwen2")
    with pytest.raises(
        InputError,
        match=r"otherwise than llama\.cpp with the same file: token 0 is .*, whose logit is \d+\.\d\d higher",
    ):
        deploy.compare_answers(
            server, "other", standins / "qwen2-f16.gguf", tokenizer, [rows[0]["question"]], CONVERSATION, 512, 1
        )


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}{{ loop.index }} {{ m['content'] }}\n{% endfor %}A:",  # numbers its turns
        "{% for m in messages %}{% if loop.last %}{{ m['content'] }}{% endif %}{% endfor %}A:",  # forgets what was said
        "{{ messages[0]['content'] | upper }}: {{ messages[-1]['content'] | upper }}",
        "{% if messages | length > 2 %}{{ raise_exception('one turn only') }}{% endif %}{{ messages[-1]['content'] }}",
    ],
)
def test_a_template_without_a_counterpart_names_the_model_and_what_to_do(standins, template):
    tokenizer = load_tokenizer(standins / "qwen2")
    tokenizer.chat_template = template
    assert frame_of(tokenizer, CONVERSATION) is None
    with pytest.raises(
        InputError, match=r"chat template of the model tanuki .* name it in config key models\.tanuki\.ollama_template"
    ):
        ollama_template(tokenizer, CONVERSATION, adds_bos=False, model="tanuki")


def test_templates_of_published_models(standins):
    tokenizer = load_tokenizer(standins / "llama3")
    # Qwen2.5 writes a system prompt of its own where there is none.
    tokenizer.chat_template = (
        "{%- if messages[0]['role'] == 'system' %}{{- '<|im_start|>system\\n' + messages[0]['content'] + "
        "'<|im_end|>\\n' }}{%- else %}"
        "{{- '<|im_start|>system\\nYou are Qwen.<|im_end|>\\n' }}{%- endif %}{%- for m in messages %}{%- if m.role != "
        "'system' %}"
        "{{- '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{%- endif %}{%- endfor %}"
        "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
    )
    found = frame_of(tokenizer, CONVERSATION)
    assert (
        found.before_user == "<|im_start|>system\nYou are Qwen.<|im_end|>\n<|im_start|>user\n"
        and found.before_system == "<|im_start|>system\n"
    )
    # A template that knows no system role has it before the question (chat.render).
    tokenizer.chat_template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}{{ bos_token }}{% "
        "for m in messages %}"
        "{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]{% else %} {{ m['content'] }}{{ eos_token }}{% "
        "endif %}{% endfor %}"
    )
    # An answer begins with a blank that is the answer's own: it stands after a question that was answered alone.
    found = frame_of(tokenizer, CONVERSATION)
    assert (found.after_user, found.after_last_user) == (" [/INST] ", " [/INST]")
    tokenizer.chat_template = tokenizer.chat_template.replace("{% else %} {{", "{% else %}{{")
    found = frame_of(tokenizer, CONVERSATION)
    assert (found.before_system, found.after_system) == ("<|begin_of_text|>[INST] ", "\n\n")


def test_the_modelfile_makes_the_same_model_by_ollamas_own_command(standins, ollama_server, tmp_path):
    system = 'あなたは"技術者"です。\n{{ .Nothing }} # no comment\n'.strip()
    recipe = make_recipe(standins, "unigram", conversation=Conversation(system=system))
    shutil.copy(standins / "unigram-f16.gguf", tmp_path / "unigram-f16.gguf")
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/Modelfile").write_text(recipe.modelfile("../unigram-f16.gguf"))
    known = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "OLLAMA_HOST": ollama_server.url}
    subprocess.run(
        [ollama.PROGRAM, "create", "by-hand", "-f", tmp_path / "deploy/Modelfile"],
        check=True,
        env=known,
        capture_output=True,
    )
    server = Server(ollama_server.url, 60)
    server.create(
        "by-rule",
        standins / "unigram-f16.gguf",
        template=recipe.template,
        system=recipe.conversation.system,
        parameters=recipe.parameters,
    )
    one, other = (server.client.show(name) for name in ("by-hand", "by-rule"))
    assert (one.template, one.modelinfo) == (other.template, other.modelinfo)
    assert sorted(one.parameters.splitlines()) == sorted(other.parameters.splitlines())
    assert f'SYSTEM """{system}"""' in one.modelfile or system in one.modelfile
    with pytest.raises(InputError, match=r"config key chat\.system holds"):
        make_recipe(standins, "unigram", conversation=Conversation(system='"""'))


def test_smollm2_deployed_by_the_rules_knows_the_capital_of_france(copy: Copy, smollm2_gguf, ollama_server):
    config = yaml.safe_load((copy.folder / "config/smollm2.yaml").read_text(encoding="utf-8"))
    config["chat"] = {"system": "You are a helpful assistant."}
    config["testset"]["limit"] = 2
    config["evaluate"] |= {"engine": "ollama", "max_new_tokens": 32}
    config["ollama"] = {"url": ollama_server.url, "timeout": 200}
    (copy.folder / "config/deployed.yaml").write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    # What the stages before leave: here the model as it came, with its own GGUF file.
    gguf_source.read_tokenizer(smollm2_gguf).save_pretrained(copy.folder / "results/base/smollm2")
    (copy.folder / "results/gguf").mkdir()
    shutil.copy(smollm2_gguf, copy.folder / "results/gguf/smollm2-f16.gguf")
    (copy.folder / "results/gguf/smollm2-parity.json").write_text("{}")
    (copy.folder / "results/testset").mkdir()
    shutil.copy(REPOSITORY / "resources/testset/test_set_200.jsonl", copy.folder / "results/testset")
    rules = ["--cores", "2", "--allowed-rules", "modelfile", "ollama_create", "answers_ollama"]
    done = copy.snakemake("results/answers/smollm2_f16.jsonl", *rules, config="config/deployed.yaml")
    assert done.returncode == 0, done.stdout
    check = json.loads((copy.folder / "results/deploy/smollm2-f16/check.json").read_text())
    assert check["model"] == "tatara-smollm2:f16" and check["prompts"]["equal"] == 2
    assert len(read_jsonl(copy.folder / "results/answers/smollm2_f16.jsonl")) == 2
    server = Server(ollama_server.url, 120)
    question = [{"role": "user", "content": "What is the capital of France?"}]
    reply = server.chat("tatara-smollm2:f16", question, limit=32, context=1024, seed=0, temperature=0)
    assert "Paris" in reply.text and not reply.cut
    known = {"HOME": str(copy.folder), "PATH": os.environ["PATH"], "OLLAMA_HOST": ollama_server.url}
    said = subprocess.run(
        [ollama.PROGRAM, "run", "tatara-smollm2:f16", question[0]["content"]],
        env=known,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "Paris" in said.stdout, said


@pytest.fixture(scope="module")
def deployed(standins, ollama_server, tmp_path_factory) -> dict:
    return make(ollama_server.url, standins, "unigram", [], tmp_path_factory.mktemp("deployed") / "check.json")


def answer(folder: Path, standins: Path, deployed: dict, rows: list[dict], url: str, **changes) -> list[dict]:
    arguments = {
        "limit": 24,
        "context": 512,
        "url": url,
        "timeout": 60.0,
        "parallel": 1,
        "conversation": CONVERSATION,
    } | changes
    answer_ollama(
        deployed=deployed,
        fmt="f16",
        base=standins / "unigram",
        rows=rows,
        files=AnswerFiles(folder / "answers.jsonl", folder / "seconds.csv", folder / "finished.jsonl"),
        **arguments,
    )
    return read_jsonl(folder / "answers.jsonl")


def test_answers_do_not_depend_on_order_or_on_how_many_are_asked_at_once(
    standins, deployed, rows, ollama_server, tmp_path
):
    alone = answer(tmp_path, standins, deployed, rows, ollama_server.url)
    assert [row["id"] for row in alone] == [row["id"] for row in rows]
    assert {row["stop"] for row in alone} <= {"eos", "length"} and all(row["tokens"] for row in alone)
    with (tmp_path / "seconds.csv").open() as file:
        times = list(csv.DictReader(file))
    assert [row["id"] for row in times] == [row["id"] for row in rows] and all(
        float(row["seconds"]) > 0 for row in times
    )
    assert not (tmp_path / "finished.jsonl").exists()
    together = answer(tmp_path, standins, deployed, rows, ollama_server.url, parallel=3)
    backwards = answer(tmp_path, standins, deployed, rows[::-1], ollama_server.url)
    assert together == alone and backwards == alone[::-1]


def test_answers_are_those_of_llama_cpp_in_process(standins, deployed, rows, ollama_server, tmp_path):
    by_ollama = answer(tmp_path, standins, deployed, rows, ollama_server.url)
    answer_gguf(
        file=standins / "unigram-f16.gguf",
        fmt="f16",
        base=standins / "unigram",
        rows=rows,
        conversation=CONVERSATION,
        limit=24,
        context=512,
        threads=1,
        batch_size=1,
        timed=1,
        files=AnswerFiles(tmp_path / "a.jsonl", tmp_path / "t.csv", tmp_path / "finished.jsonl"),
    )
    in_process = read_jsonl(tmp_path / "a.jsonl")
    # A tie may fall either way (deploy.TIE); more than one of six would be no tie.
    assert sum(one == other for one, other in zip(by_ollama, in_process, strict=True)) >= 5


def test_a_server_that_is_killed_and_comes_back_loses_no_answer(standins, deployed, rows, ollama_server, tmp_path):
    alone = answer(tmp_path, standins, deployed, rows, ollama_server.url)
    chats = [None, None, None, lambda: (ollama_server.kill(), ollama_server.start())]
    with HttpProxy(ollama_server.url, {"/api/chat": chats}) as proxy:
        assert answer(tmp_path, standins, deployed, rows, proxy.url) == alone


def test_a_run_that_lost_its_server_goes_on_at_the_question_where_it_stopped(
    standins, deployed, rows, ollama_server, tmp_path
):
    with HttpProxy(ollama_server.url, {"/api/chat": [None, None, None, ollama_server.kill]}) as proxy:
        with pytest.raises(InputError, match=r"no Ollama server at .*start it with `ollama serve`"):
            answer(tmp_path, standins, deployed, rows, proxy.url)
        assert not (tmp_path / "answers.jsonl").exists()
        ollama_server.start()
        proxy.asked.clear()
        found = answer(tmp_path, standins, deployed, rows, proxy.url)
        # One request loads the model; two answers were there.
        assert proxy.asked.count("/api/chat") == 1 + len(rows) - 2
    assert found == answer(tmp_path, standins, deployed, rows, ollama_server.url)


@pytest.mark.parametrize(
    "faults",
    [[503, 500], [b"<html>gateway</html>", b'{"models": []}'], [15.0]],
    ids=["status", "malformed", "slow"],
)
def test_what_passes_is_tried_again(standins, deployed, rows, ollama_server, tmp_path, faults):
    alone = answer(tmp_path, standins, deployed, rows[:2], ollama_server.url)
    with HttpProxy(ollama_server.url, {"/api/chat": [None, *faults]}) as proxy:
        assert answer(tmp_path, standins, deployed, rows[:2], proxy.url, timeout=10.0) == alone
        assert proxy.asked.count("/api/chat") == 3 + len(faults)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (500, r"refused the request \(HTTP 500\): injected"),
        (b"<html>gateway</html>", r"is not Ollama, or something in between is broken: it sent no JSON, 2 times"),
        (2.0, r"gave no answer within 0\.5 s, several times; raise the timeout"),
    ],
    ids=["status", "malformed", "slow"],
)
def test_what_stays_is_told(deployed, ollama_server, fault, message):
    with HttpProxy(ollama_server.url, {"/api/chat": [fault] * 9}) as proxy, pytest.raises(InputError, match=message):
        Server(proxy.url, 0.5 if fault == 2.0 else 60, attempts=2).chat(
            deployed["model"], [{"role": "user", "content": "堤防"}], limit=4, context=512, seed=0, temperature=0
        )


def test_no_server_no_model_and_a_context_beyond_the_models_stop_before_any_question(
    standins, deployed, rows, ollama_server, tmp_path
):
    with pytest.raises(InputError, match=r"no Ollama server at http://127\.0\.0\.1:9.*`ollama serve`"):
        answer(tmp_path, standins, deployed, rows, "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"has no model nobody:f16: run `ollama pull nobody:f16`"):
        answer(tmp_path, standins, deployed | {"model": "nobody:f16"}, rows, ollama_server.url)
    with pytest.raises(InputError, match=r"holds 512 tokens of context, and 4096 are asked for"):
        answer(tmp_path, standins, deployed, rows, ollama_server.url, context=4096)
    with pytest.raises(InputError, match=r"do not fit a context of 64 tokens"):
        answer(tmp_path, standins, deployed, rows, ollama_server.url, context=64)


def test_a_full_disk_is_told_when_a_model_is_made(smollm2_gguf, tmp_path):
    if reason := ollama.missing():
        pytest.skip(reason)
    small = tmp_path / "models"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", small], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no small file system to be had: {mounted.stderr.strip()}")
    server = ollama.Server(tmp_path, environment={"OLLAMA_MODELS": str(small)})
    try:
        server.start()
        with pytest.raises(InputError, match=r"the disk of Ollama at .* is full .*OLLAMA_MODELS"):
            Server(server.url, 60).create("smollm2", smollm2_gguf, template="{{ .Prompt }}", system="", parameters={})
    finally:
        server.stop()
        subprocess.run(["umount", small], check=True)
