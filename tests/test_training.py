"""Packing, the backends of training and what happens when memory runs out; on a GPU where there is one."""

import gc
import socket
from pathlib import Path

import pytest
import tiny_models
import torch
from safetensors.torch import load_file
from tatara.job import gpus
from tatara.job.errors import InputError
from tatara.models import chat, loading
from tatara.models.tokenizer import load_tokenizer
from tatara.train import backends, packing, samples
from tatara.train.trainable import Trainable, describe
from transformers.models.llama import modeling_llama


@pytest.fixture(scope="module")
def work(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("training")


@pytest.fixture(scope="module")
def bases(work) -> dict[str, Path]:
    return {family: tiny_models.make_base(work / family, family) for family in ("llama3", "qwen2")}


def packed(folder: Path, base_folder: Path, **changes) -> dict:
    return tiny_models.train(
        folder,
        base_folder,
        settings={"packing": True, "micro_batch_size": None} | changes.pop("settings", {}),
        lora={"dropout": 0.0},
        **changes,
    )


def losses(report: dict) -> list[float]:
    return [step["loss"] for step in report["steps"]]


@pytest.mark.parametrize("family", ["llama3", "qwen2"])
def test_packing_and_the_fused_backend_train_the_same_adapter(work, bases, family):
    """Ten pairs, four a step: packed rows and padded batches of two give one loss curve and one adapter."""
    plain = tiny_models.train(work / f"plain {family}", bases[family], lora={"dropout": 0.0})
    for name, settings in {
        "packed": {},
        "fused": {"backend": "fused"},
        "fused 2 x 2": {"backend": "fused", "micro_batch_size": 2},
        "fused checkpointed": {"backend": "fused", "gradient_checkpointing": True},
    }.items():
        report = packed(work / f"{name} {family}", bases[family], settings=settings)
        assert report["packing"] is True
        assert losses(report) == pytest.approx(losses(plain), rel=1e-4)
        found, expected = (
            load_file(work / f"{run} {family}/adapter/adapter_model.safetensors") for run in (name, "plain")
        )
        assert found.keys() == expected.keys()
        for key in expected:
            assert (found[key] - expected[key]).norm() <= 2e-2 * expected[key].norm() + 1e-6, (name, key)


def test_a_packed_batch_keeps_samples_apart():
    batch = samples.pack([{"input_ids": [5, 6, 7], "labels": [-100, 6, 7]}, {"input_ids": [8, 9], "labels": [-100, 9]}])
    assert batch["position_ids"].tolist() == [[0, 1, 2, 0, 1]]
    assert list(samples.unpack(batch)) == [([5, 6, 7], [-100, 6, 7]), ([8, 9], [-100, 9])]


CPU, GPU = torch.device("cpu"), torch.device("cuda")


def trainable(base_folder: Path, **changes) -> Trainable:
    """Return a base as it is to be trained, its configuration or anything else changed."""
    settings = tiny_models.SETTINGS | changes.pop("settings", {})
    base = describe(base_folder, settings)
    for name, value in changes.items():
        setattr(base.config, name, value)
    return base


def test_packing_that_a_backend_cannot_do_is_an_error(work, bases):
    with pytest.raises(
        InputError, match=r"train\.backend is fused, but .* config key train\.packing is false; take auto or trl"
    ):
        tiny_models.train(work / "unpacked", bases["llama3"], settings={"backend": "fused", "packing": False})
    base = trainable(bases["llama3"])
    with pytest.raises(
        InputError, match=r"train\.backend is unsloth, but .* config key train\.packing is true; take auto or trl"
    ):
        backends.choose_backend("unsloth", CPU, base, True)
    assert not packing.choose_packing("auto", "unsloth", GPU, None)
    assert not packing.choose_packing("auto", "trl", CPU, None)


def test_a_model_in_which_one_sample_changes_the_next_is_not_packed(bases, monkeypatch):
    """Llama keeps samples apart by their positions; without these on the way to the mask it does not."""
    model = loading.load_causal(bases["llama3"])
    assert packing.choose_packing("auto", "trl", GPU, model) is True
    plain = modeling_llama.create_causal_mask
    monkeypatch.setattr(
        modeling_llama, "create_causal_mask", lambda *args, **kwargs: plain(*args, **kwargs | {"position_ids": None})
    )
    assert packing.choose_packing("auto", "trl", GPU, model) is False
    with pytest.raises(InputError, match=r"train\.packing is true, but in llama one packed sample changes the next"):
        packing.choose_packing(True, "trl", CPU, model)


def test_an_unknown_architecture_falls_back_with_the_reason(bases, caplog):
    base = trainable(bases["llama3"], model_type="gemma3")
    with pytest.raises(InputError, match=r"train\.backend is fused, but .* not of gemma3; take auto or trl"):
        backends.choose_backend("fused", CPU, base)
    with caplog.at_level("INFO", "tatara"):
        assert backends.choose_backend("auto", CPU, base) == "trl"
    assert "train.backend auto: trl, since there is no GPU" in caplog.text
    assert backends.choose_backend("trl", GPU, base) == "trl"


def test_auto_on_a_gpu_takes_the_first_backend_that_can_do_what_is_asked_for(bases, monkeypatch, caplog):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda place: (8, 9))
    installed = [True]
    monkeypatch.setattr(backends.importlib.util, "find_spec", lambda name: installed[0] or None)

    def chosen(packing: bool | str = "auto", **changes) -> str:
        caplog.clear()
        with caplog.at_level("INFO", "tatara"):
            return backends.choose_backend("auto", GPU, trainable(bases["llama3"], **changes), packing)

    assert chosen() == "fused"
    assert chosen(False) == "unsloth"
    installed[0] = False
    assert chosen(False) == "trl"
    assert (
        "trl, since the fused backend works on packed rows alone, and config key train.packing is false; unsloth is "
        "not installed" in caplog.text
    )
    installed[0] = True
    assert chosen(model_type="gemma3") == "unsloth"
    assert chosen(True, model_type="gemma3") == "trl"
    assert chosen(settings={"base_precision": "bf16"}) == "trl"
    assert (
        "the fused backend works on NF4 weights, and config key train.base_precision is bf16; unsloth is used with NF4 "
        "alone" in caplog.text
    )
    assert chosen(settings={"target_modules": ["q_proj", "v_proj"]}) == "unsloth"
    assert "the fused backend adapts every matrix of a layer, not q_proj, v_proj alone" in caplog.text


@pytest.mark.parametrize("backend", ["trl", "fused"])
def test_out_of_memory_halves_the_micro_batch(work, bases, monkeypatch, backend):
    """The only injection: a forward pass of more than two samples raises what torch raises when a GPU is full, at the
    second step.
    """
    ask, seen = torch.nn.Module.__call__, []

    def full(self, *arguments, **keywords):
        if isinstance(self, torch.nn.Embedding):
            ids = arguments[0]
            seen.append(int((ids == end).sum()))
            if seen[-1] > 2 * marks and len(seen) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB.")
        return ask(self, *arguments, **keywords)

    tokenizer = load_tokenizer(bases["llama3"])
    end = chat.end_of_turn(tokenizer, tiny_models.CONVERSATION)
    marks = chat.encode(tokenizer, "問い", "答え", tiny_models.CONVERSATION).input_ids.count(end)
    settings = {"backend": backend, "packing": True, "micro_batch_size": None, "checkpoint_steps": 100}
    expected = tiny_models.train(work / f"whole {backend}", bases["llama3"], settings=settings, lora={"dropout": 0.0})
    with monkeypatch.context() as patch:
        patch.setattr(torch.nn.Module, "__call__", full)
        report = tiny_models.train(
            work / f"halved {backend}", bases["llama3"], settings=settings, lora={"dropout": 0.0}
        )
    assert (expected["micro_batch_size"], report["micro_batch_size"], report["effective_batch_size"]) == (4, 2, 4)
    assert len(report["steps"]) == 6
    assert losses(report) == pytest.approx(losses(expected), rel=1e-4)


@pytest.mark.parametrize("backend", ["trl", "fused"])
def test_training_opens_no_connection(work, bases, monkeypatch, backend):
    tried = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: tried.append(address))
    tiny_models.train(work / f"offline {backend}", bases["llama3"], settings={"backend": backend})
    assert tried == []


gpu = pytest.mark.gpu
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU; run on one by hand")
# Largest relative difference of a step's loss between backends: adapters begin at other random values in unsloth, and
# sums in bf16 differ.
CURVE_TOLERANCE = 0.02


def need(backend: str) -> None:
    if backend == "unsloth":
        pytest.importorskip("unsloth", reason="unsloth is in envs/gpu.txt only")


@gpu
@needs_gpu
@pytest.mark.parametrize(("backend", "packing"), [("fused", True), ("trl", True), ("trl", False), ("unsloth", False)])
def test_backends_give_the_same_loss_curve_on_a_gpu(bases, tmp_path, monkeypatch, backend, packing):
    """Against the float32 run on the CPU; and no backend opens a connection."""
    need(backend)
    tried = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: tried.append(address))
    expected = tiny_models.train(tmp_path / "cpu", bases["llama3"], lora={"dropout": 0.0})
    settings = {"backend": backend, "packing": packing, "micro_batch_size": None if packing else 2}
    train = tiny_models.train_apart if backend == "unsloth" else tiny_models.train
    report = train(tmp_path / backend, bases["llama3"], settings=settings, lora={"dropout": 0.0}, device="cuda")
    assert report["device"] == "cuda"
    print(
        backend,
        packing,
        "largest difference",
        max(abs(a / b - 1) for a, b in zip(losses(report), losses(expected), strict=True)),
    )
    assert losses(report) == pytest.approx(losses(expected), rel=CURVE_TOLERANCE)
    assert report["epoch_loss"][1] < report["epoch_loss"][0]
    assert tried == []


def free_memory() -> None:
    """Give back what earlier models of this process hold, those in reference cycles too, before a limit is set that
    counts them.
    """
    gc.collect()
    torch.cuda.empty_cache()


@gpu
@needs_gpu
@pytest.mark.parametrize("backend", ["fused", "trl"])
def test_a_full_gpu_halves_the_micro_batch(tmp_path, monkeypatch, backend):
    """The cap is set between what two forward passes of 16 samples and one of 32 need."""
    base_folder = tiny_models.make_base(tmp_path / "base", "llama3", hidden_size=1024, intermediate_size=4096, layers=4)
    pairs = [
        {"id": f"p{n}", "question": f"第{n}号の堤防はいつ点検するか。", "answer": "出水期前に点検する。" * 12}
        for n in range(32)
    ]
    settings = {
        "backend": backend,
        "packing": True,
        "batch_size": 32,
        "micro_batch_size": None,
        "epochs": 2,
        "max_length": 512,
    }
    whole = tiny_models.train(
        tmp_path / "whole", base_folder, pairs=pairs, settings=settings, lora={"dropout": 0.0}, device="cuda"
    )
    assert whole["micro_batch_size"] == 32
    free_memory()
    monkeypatch.setenv(gpus.MEMORY_LIMIT, str(0.8 * whole["peak_memory_bytes"] / 2**30))
    halved = tiny_models.train(
        tmp_path / "halved", base_folder, pairs=pairs, settings=settings, lora={"dropout": 0.0}, device="cuda"
    )
    torch.cuda.set_per_process_memory_fraction(1.0)
    assert halved["micro_batch_size"] in (8, 16) and halved["effective_batch_size"] == 32
    assert losses(halved) == pytest.approx(losses(whole), rel=CURVE_TOLERANCE)


@gpu
@needs_gpu
def test_a_model_larger_than_the_gpus_share_gives_the_same_logits(tmp_path, monkeypatch):
    """240 MB of weights, 0.2 GiB of GPU: layers stay in main memory."""
    folder = tiny_models.make_base(tmp_path / "base", "llama3", hidden_size=1024, intermediate_size=4096, layers=8)
    ids = torch.arange(5, 205)[None]
    with torch.inference_mode():
        expected = loading.load_model(folder, torch.device("cpu"))(ids).logits
    free_memory()
    monkeypatch.setenv(gpus.MEMORY_LIMIT, "0.2")
    try:
        model = loading.load_model(folder, loading.device("cuda"))
        assert {value.device.type for value in model.state_dict().values()} >= {"cuda", "meta"}
        with torch.inference_mode():
            found = model(ids.cuda()).logits.float().cpu()
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert (found - expected).norm() < 2e-2 * expected.norm()


@gpu
@needs_gpu
@pytest.mark.parametrize("backend", ["fused", "unsloth"])
def test_an_interrupted_training_on_a_gpu_goes_on(bases, tmp_path, backend):
    need(backend)
    settings = {"backend": backend, "micro_batch_size": None}
    whole = tiny_models.train_apart(tmp_path / "whole", bases["llama3"], settings=settings, device="cuda")
    assert (
        tiny_models.train_apart(tmp_path / "parts", bases["llama3"], settings=settings, device="cuda", stop_after=3)
        is None
    )
    report = tiny_models.train_apart(tmp_path / "parts", bases["llama3"], settings=settings, device="cuda")
    assert report["resumed_from"] == "checkpoint-2"
    assert losses(report) == pytest.approx(losses(whole), rel=1e-3)
