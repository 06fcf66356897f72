"""Models on a real llama-server, by OpenAI's API: they judge and rephrase, and every fault with its remedy."""

import contextlib
import csv
import json
import logging

import llama_server as llama
import pytest
import yaml
from domain_small import graph
from pipeline_copy import Copy
from proxy import HttpProxy
from tatara.data.augment import REASONS, augment
from tatara.evaluate import judge_server, llm_judges
from tatara.files.jsonl import read_jsonl, write_jsonl
from tatara.job import seals
from tatara.job.errors import InputError
from tatara.llama import quantize
from tatara.llm.openai import Server

KEY = "TATARA_TEST_KEY"
CHAT = "/v1/chat/completions"
ROW = {
    "id": "q1",
    "category": "設計",
    "question": "いつ点検するか。",
    "reference": "出水期前。",
    "facts": [["出水期前"]],
    "citations": [],
}
SETTINGS = {"reference": True, "repeats": 1, "temperature": 0, "attempts": 2}
PROMPT = "{{ question }}{{ reference }}{{ answer }}"
PAIR = {
    "id": "0123456789abcdef",
    "question": "燻煙器は内検でどう使うのか。",
    "category": "養蜂",
    "answer": "内検では燻煙器で煙を3回送る（養蜂の手引き 第1章 巣箱の管理）。",
}
REPHRASED = {
    "question": "内検のとき燻煙器をどのように用いますか。",
    "answer": "煙を3回、燻煙器から送って内検する。養蜂の手引き、第1章 巣箱の管理。",
}


@pytest.fixture(autouse=True)
def key(llama_server, monkeypatch) -> str:
    monkeypatch.setenv(KEY, llama_server.key)
    return llama_server.key


def completion(text: str) -> bytes:
    """Return a server's reply with this text in it."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return json.dumps({"object": "chat.completion", "choices": [choice]}).encode()


def client(url: str, key_env: str | None = KEY, timeout: float = 60, attempts: int = 1) -> Server:
    return Server(url, timeout, key_env, attempts)


def chat(server: Server, prompt: str = "堤防", **changes):
    options = {"limit": 400, "context": 4096, "seed": 1, "temperature": 0} | changes
    return server.chat("tiny", [{"role": "user", "content": prompt}], **options)


def judged(folder, server: Server, output: str = "scores.csv", **settings) -> list[dict]:
    """Return the scores of two answers by the model of a server."""
    rows = [ROW, ROW | {"id": "q2", "question": "だれが点検するか。"}]
    write_jsonl(folder / "answers.jsonl", [{"id": "q1", "answer": "梅雨の前。"}, {"id": "q2", "answer": "管理者。"}])
    (folder / "seconds.csv").write_text("id,seconds,tokens\nq1,1.5000,9\nq2,1.5000,9\n")
    (folder / "prompt.md").write_text(PROMPT)
    llm_judges.judge_llm(
        name="remote",
        settings=SETTINGS | settings,
        complete=lambda: judge_server.load(server, "tiny", context=4096, limit=400),
        identity=server.identity("tiny"),
        rows=rows,
        answers=folder / "answers.jsonl",
        times=folder / "seconds.csv",
        prompt=folder / "prompt.md",
        output=folder / output,
        finished=folder / "finished.jsonl",
        seed=1,
    )
    with (folder / output).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_model_of_a_real_server_judges_and_says_the_same_again(llama_server, tmp_path):
    found = judged(tmp_path, client(llama_server.url))
    assert [(row["id"], row["valid"]) for row in found] == [("q1", "True"), ("q2", "True")]
    assert all(row["score"] in "0123" and row["reason"] and row["judge"] == "remote" for row in found)
    judged(tmp_path, client(llama_server.url), "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "scores.csv").read_bytes()


def test_a_chat_tells_tokens_and_whether_it_was_cut(llama_server):
    reply = chat(client(llama_server.url), limit=16)
    assert reply.tokens == 16 and reply.cut and reply.text and reply.seconds > 0


def test_what_is_no_score_is_recorded_as_invalid_and_ends_no_run(llama_server, tmp_path):
    """A server that pays no heed to the schema, and llama.cpp, which answers HTTP 500 where its model wrote half a
    character.
    """
    half = {"error": {"code": 500, "message": "The model produced output that does not match the expected x format"}}
    for fault, reason in [(completion("3点です"), "3点です"), ((500, json.dumps(half).encode()), "")]:
        with HttpProxy(llama_server.url.removesuffix("/v1"), {CHAT: [fault, fault]}) as proxy:
            found = judged(tmp_path, client(proxy.url + "/v1", attempts=5))
        assert [(row["score"], row["valid"]) for row in found[:1]] == [("", "False")] and found[1]["valid"] == "True"
        assert found[0]["reason"] == f"not a score, 2 times; the last: {reason}"


def test_the_real_server_says_that_it_could_not_read_its_model(llama_server):
    """The tiny model writes halves of characters at a temperature; a client that takes that for a server in need would
    wait and end.
    """
    schema = llm_judges.SCHEMA
    texts = [chat(client(llama_server.url), temperature=1.5, seed=n, schema=schema).text for n in range(8)]
    assert "" in texts


def test_another_model_under_the_same_name_is_another_judge(llama_server, tmp_path):
    judge_server.write_identity(client(llama_server.url), "tiny", 8192, tmp_path / "identity.json")
    identity = json.loads((tmp_path / "identity.json").read_text())
    assert identity["model"] == "tiny" and identity["owned_by"] == "llamacpp" and identity["ftype"] == "F16"
    judge_server.check_same(client(llama_server.url), "tiny", identity, tmp_path / "identity.json")

    quantize.quantize(llama_server.model, tmp_path / "other.gguf", "q4", 1)
    other = llama.Server(tmp_path / "server", tmp_path / "other.gguf")
    other.start()
    try:
        # What the server was started with is no part of the model.
        assert "n_ctx" not in identity and client(other.url, None).identity("tiny").keys() == identity.keys()
        with pytest.raises(InputError, match=r"another model than when this study began.*delete .*identity\.json"):
            judge_server.check_same(client(other.url, None), "tiny", identity, tmp_path / "identity.json")
    finally:
        other.stop()


def rephrase(folder, server: Server, pairs: list[dict]) -> list[dict]:
    write_jsonl(folder / "pairs.jsonl", pairs)
    (folder / "prompt.md").write_text("{{ question }} {{ answer }}", encoding="utf-8")
    augment(
        pairs=folder / "pairs.jsonl",
        graph=graph(),
        testset=[],
        threshold=0.5,
        prompt=folder / "prompt.md",
        server=server,
        settings={"model": "tiny", "temperature": 0.7, "context": 4096, "max_tokens": 64},
        parallel=2,
        seed=1,
        output=folder / "out.jsonl",
        counts=folder / "out.csv",
        finished=folder / "finished.jsonl",
    )
    return read_jsonl(folder / "out.jsonl")


def test_a_model_of_a_real_server_rephrases_and_only_what_holds_is_kept(llama_server, tmp_path):
    others = [PAIR | {"id": f"{n:016x}", "question": f"{PAIR['question']}（{n}）"} for n in (1, 2)]
    with HttpProxy(llama_server.url.removesuffix("/v1")) as proxy:
        proxy.faults[CHAT] = [completion(json.dumps(REPHRASED, ensure_ascii=False)), None, None]
        # One pair alone, so that the reply by hand is that pair's.
        (kept,) = rephrase(tmp_path, client(proxy.url + "/v1"), [PAIR])
        assert kept["question"] == REPHRASED["question"] and kept["rephrased_from"] == PAIR["id"]
        assert rephrase(tmp_path, client(proxy.url + "/v1"), others) == []
    counts = dict(line.split(",") for line in (tmp_path / "out.csv").read_text().splitlines()[1:])
    assert list(counts) == list(REASONS) and sum(map(int, counts.values())) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"key_env": None}, r"wants a key \(HTTP 401: Invalid API Key\): name the environment variable .*key_env"),
        ({"url": "http://127.0.0.1:9/v1"}, r"no server at http://127\.0\.0\.1:9/v1 \(.*refused\): start it, or mend"),
        ({"path": "/v2"}, r"knows no such path or model \(HTTP 404: File Not Found\): .* ends in /v1"),
        ({"timeout": 0.001}, r"gave no answer within 0\.001 s, several times; raise the timeout"),
    ],
)
def test_a_server_that_cannot_be_asked_says_what_to_do(llama_server, change, message):
    url = change.pop("url", llama_server.url.removesuffix("/v1") + change.pop("path", "/v1"))
    with pytest.raises(InputError, match=message):
        chat(client(url, **change))


def test_a_model_that_is_not_there_and_a_context_that_nobody_has_are_named(llama_server):
    server = client(llama_server.url)
    with pytest.raises(InputError, match=r"has no model qwen: it has tiny \(config key model\)"):
        server.identity("qwen")
    with pytest.raises(InputError, match=r"tiny holds 8192 tokens of context, and 9000 are asked for: lower context"):
        server.identity("tiny", 9000)
    with pytest.raises(InputError, match=r"an answer of up to 400 do not fit a context of 402 tokens: raise context"):
        chat(server, context=402)
    with pytest.raises(InputError, match=r"does not fit the context of the server .*: start it with a larger one"):
        chat(server, "長い" * 5000)


def test_a_wrong_key_is_never_repeated(llama_server, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(KEY, "sk-mistyped-4d1f")
    with pytest.raises(InputError, match=rf"refuses the key in the environment variable {KEY} \(HTTP 401") as error:
        chat(client(llama_server.url))
    told = [str(error.value)]
    echo = (403, b'{"error": {"message": "Incorrect key: sk-mistyped-4d1f"}}')
    echoing = HttpProxy(llama_server.url.removesuffix("/v1"), {CHAT: [echo]})
    with echoing, pytest.raises(InputError, match=r"HTTP 403: Incorrect key: \(the key\)") as error:
        chat(client(echoing.url + "/v1"))
    told.append(str(error.value))
    for value, message in [
        ("sk-mistyped-4d1f two", "holds white space"),
        ("キー", "other than ASCII"),
        ("", "is not set"),
    ]:
        monkeypatch.setenv(KEY, value)
        with pytest.raises(InputError, match=rf"environment variable {KEY} .*{message}") as error:
            client(llama_server.url)
        told.append(str(error.value))
    assert not [text for text in (*told, caplog.text) if "4d1f" in text or "キー" in text]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://me:4d1f@host/v1", "holds a user, a password or a query"),
        ("http://host/v1?api_key=4d1f", "holds a user, a password or a query"),
        ("host:8080/v1", "give it as http://HOST:PORT/v1"),
        ("ftp://host/v1", "give it as http://HOST:PORT/v1"),
        ("http://host:port/v1", "give it as http://HOST:PORT/v1"),
    ],
)
def test_an_address_that_is_none_or_holds_a_password_is_refused(url, message):
    with pytest.raises(InputError, match=message) as error:
        client(url)
    assert "4d1f" not in str(error.value)


def test_a_fault_that_passes_is_waited_for_and_one_that_stays_is_named(llama_server):
    with HttpProxy(llama_server.url.removesuffix("/v1"), {CHAT: [503]}) as proxy:
        assert chat(client(proxy.url + "/v1", attempts=2), limit=16).text
        assert proxy.asked == [CHAT, CHAT]
        for fault, message in [
            (503, r"refused the request \(HTTP 503: injected\)"),
            (b"<html>", r"sent no JSON, 1 times: config key url"),
            (b'{"choices": []}', r"sent a reply with other fields, 1 times"),
            (308, r"sends on to another address \(HTTP 308\)"),
        ]:
            proxy.faults[CHAT] = [fault]
            with pytest.raises(InputError, match=message):
                chat(client(proxy.url + "/v1"))


def judge(url: str) -> dict:
    """Return the configuration of a judge on the real server."""
    return {"kind": "openai", "model": "tiny", "url": url, "key_env": KEY, "context": 8192, "attempts": 1}


def write_study(copy: Copy, base: str, url: str, **changes) -> str:
    """Write a study with the real server as a judge beside the rubric; return its file."""
    config = yaml.safe_load((copy.folder / base).read_text(encoding="utf-8")) | changes
    config["judge"] = {"judges": {"rubric": {"kind": "rubric"}, "remote": judge(url)}}
    text = yaml.safe_dump(config, allow_unicode=True, sort_keys=False)
    (copy.folder / "config/study.yaml").write_text(text, encoding="utf-8")
    return "config/study.yaml"


def test_the_rules_ask_the_server_that_the_study_names_and_the_key_stays_in_the_environment(copy, llama_server, key):
    bees, named = "tests/data/beekeeping/", {"url": llama_server.url, "key_env": KEY}
    augmented = {"model": "tiny", "server": named, "max_tokens": 16, "context": 8192}
    qa = {"templates": [bees + "templates/v2.yaml"], "augment": augmented}
    study = write_study(copy, bees + "beekeeping.yaml", llama_server.url, qa=qa)
    targets = ("results/judge/remote/identity.json", "results/qa/augmented.csv", "results/config.yaml")
    done = copy.snakemake(*targets, "--cores", "2", config=study)
    assert done.returncode == 0, done.stdout[-4000:]
    results = copy.folder / "results"
    assert json.loads((results / "judge/remote/identity.json").read_text())["owned_by"] == "llamacpp"
    counts = [int(line.split(",")[1]) for line in (results / "qa/augmented.csv").read_text().splitlines()[1:]]
    assert sum(counts) == len(read_jsonl(results / "qa/qa_pairs.jsonl"))
    written = [path for path in copy.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert key not in done.stdout and not [path for path in written if key.encode() in path.read_bytes()]
    assert KEY in (results / "config.yaml").read_text()


def test_another_model_on_the_server_ends_the_scoring_and_its_scores_are_made_again(disturbed, llama_server):
    study, target = write_study(disturbed, "config/smoke.yaml", llama_server.url), "results/judge/judge_llama_q4.csv"
    assert disturbed.snakemake(target, "--cores", "2", config=study).returncode == 0
    with (disturbed.folder / target).open(encoding="utf-8") as file:
        assert [row["judge"] for row in csv.DictReader(file)] == ["rubric"] * 8 + ["remote"] * 8
    identity = disturbed.folder / "results/judge/remote/identity.json"
    identity.write_text(identity.read_text().replace("F16", "Q4_K_M"))
    with contextlib.chdir(disturbed.folder):  # as if the server had said so when the study began
        seals.seal([str(identity.relative_to(disturbed.folder))])
    done = disturbed.snakemake(target, "--cores", "2", config=study)
    assert done.returncode != 0 and "the server has another model than when this study began" in done.stdout
    identity.unlink()
    # A score that is missing still asks for the identity, and all scores by the server follow from it.
    planned = disturbed.planned(target, "results/judge/judge_llama_f16.csv", config=study)
    assert (planned["judge_openai_identity"], planned["judge_openai"], planned["judge"]) == (1, 2, 2)
