"""The fused training step is the same function as transformers' and PEFT's, sample by sample, packed or not."""

import pytest
import tiny
import torch
from peft import LoraConfig, get_peft_model
from tatara import chat, fused, models

CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["llama3", "qwen2"])
def peft_model(request, tmp_path_factory):
    """A PEFT model over an NF4 base, its B matrices and biases not zero, and four encoded samples of different lengths."""
    folder = tiny.make_base(tmp_path_factory.mktemp("fused") / request.param, request.param)
    model = models.load_nf4(folder, CPU)
    torch.manual_seed(0)
    model = get_peft_model(model, LoraConfig(r=8, lora_alpha=16, lora_dropout=0.0, target_modules=models.TARGET_MODULES, task_type="CAUSAL_LM"))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name or name.endswith(".bias"):
                parameter.normal_(std=0.05)
    tokenizer = models.load_tokenizer(folder)
    samples = [chat.encode(tokenizer, "堤防とは。" * n, "土の構造物である。" * (5 - n), tiny.SYSTEM) for n in (1, 2, 3, 4)]
    return model.train(), samples


def gradients(model, loss) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.requires_grad}


def reference(model, sample: chat.Encoded):
    """Return transformers' own summed loss of one sample."""
    logits = model(input_ids=torch.tensor([sample.input_ids])).logits[0, :-1]
    return torch.nn.functional.cross_entropy(logits, torch.tensor(sample.labels[1:]), reduction="sum")


def packed_loss(model, samples: list[chat.Encoded], checkpointing: bool = False):
    ids, labels = (torch.tensor(sum((getattr(item, name) for item in samples), [])) for name in ("input_ids", "labels"))
    return fused.Model(model, checkpointing).loss(ids, labels, [len(item.input_ids) for item in samples])


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
    """Only one sample carries loss; were another one seen by it, its gradient would differ from that without packing."""
    model, samples = peft_model
    for index, sample in enumerate(samples):
        silent = [item if place == index else chat.Encoded(item.input_ids, len(item.input_ids)) for place, item in enumerate(samples)]
        assert_equal(gradients(model, packed_loss(model, silent)), gradients(model, reference(model, sample)))
