"""The fast QLoRA step: Llama and Qwen2 layers over packed rows, with few bytes moved and few kept for the backward
pass.

Samples lie one behind another in one row without padding, so every matrix product sees real tokens only and each NF4
matrix is dequantized twice a step (forward, backward) for all of them. Attention alone works on padded rows, one a
sample, under a plain causal mask: padding comes after a sample's tokens and is never looked at, so no sample sees
another.

Kept for the backward pass are the inputs of both norms, the rotated queries, keys and values, the attention's output,
and the gate and up projections; norms, rotations and the gated product are computed again. The weights are
transformers' and PEFT's own modules; nothing is patched. It is the same function as theirs: `tests/test_fused.py`
compares losses and gradients.
"""

import itertools
from dataclasses import dataclass

import torch
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

from tatara.models.chat import IGNORED
from tatara.train import fused_kernels as kernels
from tatara.train.fused_projections import Projections, project
from tatara.train.trainable import Trainable

ARCHITECTURES = ("llama", "qwen2")
# Every attention and MLP projection of these (paper §5.1: all attention and MLP layers).
TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
# Not cuDNN's attention: it prepares a plan for each new length, which takes longer than the step.
ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
LOSS_CHUNK = 256  # positions whose logits exist at the same time: 256 × 128,256 × 2 bytes = 66 MB in bf16


def unsupported(base: Trainable, place: torch.device) -> str | None:
    """Return why a base model cannot be trained here, None where it can."""
    config, targets = base.config, base.targets
    if config.model_type not in ARCHITECTURES:
        return f"the fused backend knows the layers of {' and '.join(ARCHITECTURES)}, not of {config.model_type}"
    if config.hidden_act != "silu" or config.attention_dropout or getattr(config, "use_sliding_window", False):
        return "the model has another activation than SiLU, dropout in its attention or a sliding window"
    if base.precision != "nf4":
        return f"the fused backend works on NF4 weights, and config key train.base_precision is {base.precision}"
    if sorted(targets.modules) != sorted(TARGETS) or targets.parameters:
        adapted = ", ".join([*targets.modules, *targets.parameters])
        return f"the fused backend adapts every matrix of a layer, not {adapted} alone"
    if place.type == "cuda" and torch.cuda.get_device_capability(place) < (8, 0):
        return "the GPU is older than compute capability 8.0 and has no bf16"
    return None


@dataclass(frozen=True)
class Packed:
    """Where the samples of a packed row lie.

    Attributes:
        token_at: (samples, longest) the token at each padded place; padding repeats a sample's last token.
        place_of: (tokens,) the padded place of each token, counted through all samples.
        real: (samples, longest, 1) True where a place holds a token of its own.
    """

    token_at: torch.Tensor
    place_of: torch.Tensor
    real: torch.Tensor

    @classmethod
    def of(cls, lengths: list[int], place: torch.device) -> "Packed":
        longest = max(lengths)
        starts = torch.tensor([0, *itertools.accumulate(lengths)][:-1])
        sizes, columns = torch.tensor(lengths), torch.arange(longest)
        real = columns < sizes[:, None]
        token_at = starts[:, None] + torch.minimum(columns, sizes[:, None] - 1)
        return cls(token_at.to(place), real.flatten().nonzero().flatten().to(place), real[..., None].to(place))


class _BySample(Function):
    """Queries, keys and values by token -> by sample and place, queries and keys rotated."""

    @staticmethod
    def forward(ctx, qkv, packed, angles, heads, channels):
        ctx.place_of, ctx.angles = packed.place_of, angles
        return kernels.by_sample(qkv, packed.token_at, *angles, heads, channels)

    @staticmethod
    @once_differentiable
    def backward(ctx, queries, keys, values):
        # The gradient at padding is zero: no token's output depends on it.
        return kernels.by_sample_backward(queries, keys, values, ctx.place_of, *ctx.angles), None, None, None, None


class Layer:
    """One decoder layer of a PEFT model."""

    def __init__(self, layer, config):
        attention, mlp = layer.self_attn, layer.mlp
        self.qkv = Projections(attention.q_proj, attention.k_proj, attention.v_proj)
        self.output = Projections(attention.o_proj)
        self.gate_up = Projections(mlp.gate_proj, mlp.up_proj)
        self.down = Projections(mlp.down_proj)
        self.groups = [self.qkv, self.output, self.gate_up, self.down]
        self.norms = [
            (norm.weight, norm.variance_epsilon) for norm in (layer.input_layernorm, layer.post_attention_layernorm)
        ]
        self.heads, self.channels = config.num_attention_heads, attention.head_dim
        self.grouped = config.num_attention_heads != config.num_key_value_heads

    def _normed(self, projections, x, norm):
        weight, epsilon = self.norms[norm]
        return project(
            projections,
            lambda x: kernels.norm(x, weight, epsilon),
            lambda gradient, x: kernels.norm_backward(gradient, x, weight, epsilon),
            x,
        )

    def __call__(self, x, packed: Packed, angles):
        """x (tokens, hidden) -> the same."""
        qkv = _BySample.apply(self._normed(self.qkv, x, 0), packed, angles, self.heads, self.channels)
        queries, keys, values = (part.transpose(1, 2) for part in qkv)
        with sdpa_kernel(
            ATTENTION
        ):  # here and not around the model: checkpointing calls a layer again in the backward pass
            attended = functional.scaled_dot_product_attention(
                queries, keys, values, is_causal=True, enable_gqa=self.grouped
            )
        x = x + project(
            self.output,
            lambda attended: attended.transpose(1, 2).flatten(2).flatten(0, 1)[packed.place_of],
            lambda gradient, attended: (
                (gradient[packed.token_at] * packed.real).view_as(attended.transpose(1, 2)).transpose(1, 2)
            ),
            attended,
        )
        return x + project(self.down, kernels.gated, kernels.gated_backward, self._normed(self.gate_up, x, 1))


class _AnswerLoss(Function):
    """Summed cross-entropy of hidden states (positions, hidden) under a frozen output matrix (vocabulary, hidden),
    chunk by chunk.
    """

    @staticmethod
    def forward(ctx, hidden, matrix, targets):
        total, gradient = hidden.new_zeros((), dtype=torch.float32), torch.empty_like(hidden)
        for start in range(0, len(targets), LOSS_CHUNK):
            part = slice(start, start + LOSS_CHUNK)
            loss, of_logits = kernels.answer_chunk(hidden[part] @ matrix.T, targets[part])
            total += loss
            gradient[part] = of_logits @ matrix
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        return ctx.saved_tensors[0] * gradient, None, None


class Model:
    """A PEFT model of Llama or Qwen2 shape, read for training on packed rows.

    On a GPU the embedding moves to the CPU, where only the rows of a step's tokens are read: 1 GiB less for a
    vocabulary of 128,256.

    Args:
        model: the PEFT model; its base is in NF4.
        checkpointing: keep only each layer's input and compute the layer again in the backward pass.
    """

    def __init__(self, model, checkpointing: bool):
        causal = model.get_base_model()
        self.model, self.checkpointing = causal.model, checkpointing
        self.matrix = causal.get_output_embeddings().weight
        self.layers = [Layer(layer, causal.config) for layer in self.model.layers]
        if self.model.embed_tokens.weight is not self.matrix:
            self.model.embed_tokens.to("cpu")

    def loss(self, input_ids: torch.Tensor, labels: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        """Return the summed cross-entropy in nats over answer tokens.

        Args:
            input_ids: (tokens,) the samples one behind another.
            labels: (tokens,) -100 where a token carries no loss, as on every sample's first token.
            lengths: tokens of each sample.
        """
        embedding, place = self.model.embed_tokens, self.matrix.device
        x = embedding(input_ids.to(embedding.weight.device)).to(place)
        pairs = [group.refresh(x.dtype) for layer in self.layers for group in layer.groups]
        with torch.no_grad():
            torch._foreach_copy_(*([tensor for pair in pairs for tensor in pair[side]] for side in (0, 1)))
        packed = Packed.of(lengths, place)
        cosine, sine = (
            table[0].float() for table in self.model.rotary_emb(x, torch.arange(max(lengths), device=place)[None])
        )
        half = sine.shape[-1] // 2
        angles = cosine, torch.cat((-sine[:, :half], sine[:, half:]), -1)
        for layer in self.layers:
            x = (
                checkpoint(layer, x, packed, angles, use_reentrant=False)
                if self.checkpointing
                else layer(x, packed, angles)
            )
        carrying = (labels[1:] != IGNORED).nonzero().flatten()
        return _AnswerLoss.apply(self.model.norm(x[carrying]), self.matrix, labels[1:][carrying])
