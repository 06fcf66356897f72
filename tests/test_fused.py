"""The fused training step is the same function as transformers' and PEFT's, sample by sample, packed or not."""

from pathlib import Path

import pytest
import tiny_models
import torch
from bitsandbytes.functional import dequantize_4bit, quantize_4bit
from bitsandbytes.nn import Params4bit
from peft import LoraConfig, get_peft_model
from tatara.models import chat, loading
from tatara.models.tokenizer import load_tokenizer
from tatara.train import fused, fused_kernels

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["llama3", "qwen2"])
def peft_model(request, tmp_path_factory):
    """A PEFT model over an NF4 base, B matrices and biases not zero, and four encoded samples of different lengths."""
    folder = tiny_models.make_base(tmp_path_factory.mktemp("fused") / request.param, request.param)
    model = loading.load_base(folder, CPU, "nf4")
    torch.manual_seed(0)
    model = get_peft_model(
        model,
        LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=list(fused.TARGETS), task_type="CAUSAL_LM"),
    )
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name or name.endswith(".bias"):
                parameter.normal_(std=0.05)
    tokenizer = load_tokenizer(folder)
    samples = [
        chat.encode(tokenizer, "堤防とは。" * n, "土の構造物である。" * (5 - n), tiny_models.CONVERSATION)
        for n in (1, 2, 3, 4)
    ]
    return model.train(), samples


def gradients(model, loss) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.requires_grad}


def reference(model, sample: chat.Encoded):
    """Return transformers' own summed loss of one sample."""
    logits = model(input_ids=torch.tensor([sample.input_ids])).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(sample.labels[1:]), reduction="sum")


def joined(samples: list[chat.Encoded]) -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(
        torch.tensor([token for item in samples for token in getattr(item, name)]) for name in ("input_ids", "labels")
    )


def packed_loss(model, samples: list[chat.Encoded], checkpointing: bool = False):
    ids, labels = joined(samples)
    place = next(model.parameters()).device
    return fused.Model(model, checkpointing).loss(
        ids.to(place), labels.to(place), [len(item.input_ids) for item in samples]
    )


def assert_equal(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert (found[name] - gradient).norm() <= 1e-5 * gradient.norm(), name


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_packed_row_has_the_gradients_of_its_samples(peft_model, checkpointing):
    model, samples = peft_model
    losses = [reference(model, sample) for sample in samples]
    expected = gradients(model, sum(losses))
    found = packed_loss(model, samples, checkpointing)
    assert found.item() == pytest.approx(sum(loss.item() for loss in losses), rel=1e-6)
    assert_equal(gradients(model, found), expected)


def test_each_sample_of_a_packed_row_has_the_gradient_it_has_alone(peft_model):
    """Only one sample carries loss; if it saw another one, its gradient would differ from that without packing."""
    model, samples = peft_model
    for index, sample in enumerate(samples):
        silent = [
            item if place == index else chat.Encoded(item.input_ids, len(item.input_ids))
            for place, item in enumerate(samples)
        ]
        assert_equal(gradients(model, packed_loss(model, silent)), gradients(model, reference(model, sample)))


def test_dropout_is_the_same_in_both_passes(peft_model):
    """With one seed the loss is a fixed function of the adapter: its gradient must agree with a difference quotient."""
    model, samples = peft_model
    for module in model.modules():
        if (
            isinstance(module, torch.nn.ModuleDict)
            and "default" in module
            and isinstance(module["default"], torch.nn.Identity)
        ):
            module["default"] = torch.nn.Dropout(0.2)
    torch.manual_seed(3)
    found = gradients(model, packed_loss(model, samples))
    name, parameter = next((name, value) for name, value in model.named_parameters() if "down_proj.lora_A" in name)
    direction = found[name] / found[name].norm()
    step, losses = 1e-2, []
    for sign in (1, -1):
        with torch.no_grad():
            parameter.add_(sign * step * direction)
            torch.manual_seed(3)
            losses.append(packed_loss(model, samples).item())
            parameter.sub_(sign * step * direction)
    assert (losses[0] - losses[1]) / (2 * step) == pytest.approx(found[name].norm().item(), rel=1e-2)
    for module in model.modules():
        if (
            isinstance(module, torch.nn.ModuleDict)
            and "default" in module
            and isinstance(module["default"], torch.nn.Dropout)
        ):
            module["default"] = torch.nn.Identity()


needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU; run on one by hand")


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("shape", [(1024, 4096), (576, 192)])
def test_weights_are_dequantized_as_by_bitsandbytes(shape):
    torch.manual_seed(0)
    packed, state = quantize_4bit(
        torch.randn(shape, device="cuda", dtype=torch.bfloat16),
        blocksize=64,
        compress_statistics=True,
        quant_type="nf4",
    )
    weight = Params4bit(packed, requires_grad=False, quant_state=state, bnb_quantized=True)
    found, expected = torch.empty(shape, device="cuda", dtype=torch.bfloat16), dequantize_4bit(packed, state)
    fused_kernels.dequantize(weight, found)
    # A scale's last float32 bit may differ by the order of its multiplication and addition; then a value rounds to the
    # bf16 number next to it.
    assert (found != expected).float().mean() < 1e-3
    assert torch.allclose(found.float(), expected.float(), rtol=2**-7, atol=0)


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("checkpointing", [False, True])
def test_gradients_in_bf16_are_as_near_to_float32_as_those_of_the_reference(peft_model, checkpointing):
    """On a GPU both compute in bf16; the float32 gradients of the CPU are what both should be."""
    model, samples = peft_model
    exact = gradients(model, packed_loss(model, samples))
    place = torch.device("cuda")
    other = get_peft_model(
        loading.load_base(Path(model.get_base_model().config._name_or_path), place, "nf4"),
        LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=list(fused.TARGETS), task_type="CAUSAL_LM"),
    ).train()
    other.load_state_dict({name: value for name, value in model.state_dict().items() if "lora_" in name}, strict=False)
    with torch.no_grad():
        for name, parameter in other.named_parameters():
            if name.endswith(".bias"):
                parameter.copy_(dict(model.named_parameters())[name])
    found = gradients(other, packed_loss(other, samples, checkpointing))
    other.get_base_model().model.embed_tokens.to(place)
    with torch.autocast("cuda", torch.bfloat16):
        loss = 0.0
        for sample in samples:
            logits = other(input_ids=torch.tensor([sample.input_ids], device=place)).logits[0, :-1].float()
            loss = loss + torch.nn.functional.cross_entropy(
                logits, torch.tensor(sample.labels[1:], device=place), reduction="sum"
            )
    usual = gradients(other, loss)

    def distance(one):
        return (
            sum((one[name].cpu() - exact[name]).norm() ** 2 for name in exact) ** 0.5
            / sum(value.norm() ** 2 for value in exact.values()) ** 0.5
        )

    assert distance(found) < max(1.2 * distance(usual), 5e-3), (distance(found), distance(usual))
    assert distance(found) < 3e-2
