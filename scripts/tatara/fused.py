"""The fast QLoRA step: Llama and Qwen2 layers over packed rows, with few bytes moved and few kept for the backward pass.

Samples lie one behind another in one row without padding, so every matrix product sees real tokens only and each NF4 matrix is
dequantized twice a step (forward, backward) for all of them. Attention alone works on padded rows, one a sample, under a plain
causal mask: padding comes after a sample's tokens and is never looked at, so no sample sees another.

Kept for the backward pass are the inputs of both norms, the rotated queries, keys and values, the attention's output, and the
gate and up projections; norms, rotations and the gated product are computed again. The weights are transformers' and PEFT's own
modules; nothing is patched. It is the same function as theirs: `tests/test_fused.py` compares losses and gradients.
"""

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from bitsandbytes.functional import dequantize_4bit
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from tatara.chat import IGNORED

ARCHITECTURES = ("llama", "qwen2")
LOSS_CHUNK = 256  # positions whose logits exist at the same time: 256 × 128,256 × 2 bytes = 66 MB in bf16


def unsupported(config, place: torch.device) -> str | None:
    """Return why a model of this transformers configuration cannot be trained here, None where it can."""
    if config.model_type not in ARCHITECTURES:
        return f"the fused backend knows the layers of {' and '.join(ARCHITECTURES)}, not of {config.model_type}"
    if config.hidden_act != "silu" or config.attention_dropout or getattr(config, "use_sliding_window", False):
        return "the model has another activation than SiLU, dropout in its attention or a sliding window"
    if place.type == "cuda" and torch.cuda.get_device_capability(place) < (8, 0):
        return "the GPU is older than compute capability 8.0 and has no bf16"
    return None


# ---- pointwise parts: one kernel each on a GPU, plain torch on the CPU ----


def _pointwise(function: Callable) -> Callable:
    """Let torch.compile make one kernel of a function where its tensors lie on a GPU."""
    compiled = functools.cache(lambda: torch.compile(function, dynamic=True))

    @functools.wraps(function)
    def call(*arguments):
        return (compiled() if arguments[0].is_cuda else function)(*arguments)

    return call


@_pointwise
def _norm(x, weight, epsilon):
    x32 = x.float()
    return weight * (x32 * torch.rsqrt(x32.pow(2).mean(-1, keepdim=True) + epsilon)).to(x.dtype)


@_pointwise
def _norm_backward(gradient, x, weight, epsilon):
    x32 = x.float()
    scale = torch.rsqrt(x32.pow(2).mean(-1, keepdim=True) + epsilon)
    direction, gradient = x32 * scale, (gradient * weight).float()
    return (scale * (gradient - direction * (gradient * direction).mean(-1, keepdim=True))).to(x.dtype)


@_pointwise
def _gated(gate, up):
    gate32 = gate.float()
    return (gate32 * torch.sigmoid(gate32) * up.float()).to(gate.dtype)


@_pointwise
def _gated_backward(gradient, gate, up):
    gradient, gate32 = gradient.float(), gate.float()
    open_ = torch.sigmoid(gate32)
    of_gate = gradient * up.float() * open_ * (1 + gate32 * (1 - open_))
    return of_gate.to(gate.dtype), (gradient * gate32 * open_).to(gate.dtype)


def _turn(x, cosine, sine):
    """Rotate pairs of channels (i, i + half); x is (…, places, heads, channels), cosine and sine (places, channels)."""
    half = x.shape[-1] // 2
    x = x.float()
    return x * cosine.float()[:, None] + torch.cat((-x[..., half:], x[..., :half]), -1) * sine.float()[:, None]


@_pointwise
def _spread_and_turn(x, token_at, cosine, sine, heads):
    """Tokens (tokens, heads × channels) -> (samples, places, heads, channels), rotated by their place."""
    return _turn(x[token_at].unflatten(-1, (heads, -1)), cosine, sine).to(x.dtype)


@_pointwise
def _turn_back_and_gather(gradient, place_of, cosine, sine):
    return _turn(gradient, cosine, -sine).to(gradient.dtype).flatten(2).flatten(0, 1)[place_of]


@_pointwise
def _answer_chunk(logits, targets):
    """Return the summed cross-entropy in nats and its gradient by the logits (positions, vocabulary)."""
    scores = logits.float()
    normalizer = torch.logsumexp(scores, -1, keepdim=True)
    hit = torch.arange(scores.shape[-1], device=scores.device) == targets[:, None]
    return (normalizer.squeeze(-1) - torch.where(hit, scores, 0.0).sum(-1)).sum(), (torch.exp(scores - normalizer) - hit.float()).to(logits.dtype)


# ---- packed rows ----


@dataclass(frozen=True)
class Packed:
    """Where the samples of a packed row lie.

    Attributes:
        token_at: (samples, longest) the token at each padded place; padding repeats a sample's last token.
        place_of: (tokens,) the padded place of each token, counted through all samples.
        real: (samples × longest, 1) 1 where a place holds a token of its own, 0 in padding.
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
        return cls(token_at.to(place), real.flatten().nonzero().flatten().to(place), real.reshape(-1, 1).to(place))


class _Spread(Function):
    """Queries, keys and values by token -> by sample and place, queries and keys rotated."""

    @staticmethod
    def forward(ctx, queries, keys, values, packed, cosine, sine, channels):
        ctx.packed, ctx.angles = packed, (cosine, sine)
        queries, keys = (_spread_and_turn(x, packed.token_at, cosine, sine, x.shape[-1] // channels) for x in (queries, keys))
        return queries, keys, values[packed.token_at].unflatten(-1, (-1, channels))

    @staticmethod
    @once_differentiable
    def backward(ctx, queries, keys, values):
        place_of, (cosine, sine) = ctx.packed.place_of, ctx.angles
        # The gradient at padding is zero: no token's output depends on it.
        queries, keys = (_turn_back_and_gather(gradient, place_of, cosine, sine) for gradient in (queries, keys))
        return queries, keys, values.flatten(2).flatten(0, 1)[place_of], None, None, None, None


# ---- NF4 matrices with their adapters ----

if torch.cuda.is_available():
    import triton
    import triton.language as tl

    @triton.jit
    def _dequantize_kernel(packed, absmax, code, scale_code, scale_absmax, offset, output, count, BYTES: tl.constexpr):
        at = tl.program_id(0) * BYTES + tl.arange(0, BYTES)
        inside = at < count
        byte = tl.load(packed + at, mask=inside, other=0).to(tl.int32)
        block = at // 32  # 64 values, two a byte, share a scale; 256 scales share a scale of their own
        scale = tl.load(scale_code + tl.load(absmax + block, mask=inside, other=0).to(tl.int32))
        scale = scale * tl.load(scale_absmax + block // 256, mask=inside, other=0.0) + tl.load(offset)
        values = tl.interleave(tl.load(code + (byte >> 4)) * scale, tl.load(code + (byte & 15)) * scale)
        place = tl.program_id(0) * BYTES * 2 + tl.arange(0, 2 * BYTES)
        tl.store(output + place, values.to(output.dtype.element_ty), mask=place < 2 * count)


def dequantize(weight, dtype: torch.dtype) -> torch.Tensor:
    """Return a bitsandbytes NF4 weight (out, in); on a GPU in one kernel, since bitsandbytes takes three."""
    state = weight.quant_state
    if not weight.is_cuda or not state.nested or (state.blocksize, state.state2.blocksize) != (64, 256):
        return dequantize_4bit(weight.data, state).to(dtype)
    output = torch.empty(state.shape, dtype=dtype, device=weight.device)
    count = weight.numel()
    _dequantize_kernel[(triton.cdiv(count, 2048),)](
        weight.data, state.absmax, state.code, state.state2.code, state.state2.absmax, state.offset, output, count, BYTES=2048, num_warps=8
    )
    return output


class Projection:
    """A frozen NF4 matrix W (out, in) with bias and adapter: y = W x + bias + s B A dropout(x), PEFT's lora.Linear4bit."""

    def __init__(self, module):
        self.base = module.get_base_layer()
        self.a, self.b = module.lora_A["default"].weight, module.lora_B["default"].weight
        self.scale = module.scaling["default"]
        self.rate = getattr(module.lora_dropout["default"], "p", 0.0)
        self.module = module

    def mask(self, x):
        """Return dropout's factors for x: 0 or 1/(1 - rate); None where nothing is dropped."""
        if not self.rate or not self.module.training:
            return None
        return torch.empty_like(x).bernoulli_(1 - self.rate).div_(1 - self.rate)

    def forward(self, x, mask):
        """x (tokens, in) -> y (tokens, out), and the adapter's inner values (tokens, r)."""
        bias = self.base.bias
        y = functional.linear(x, dequantize(self.base.weight, x.dtype), None if bias is None else bias.to(x.dtype))
        inner = functional.linear(x if mask is None else x * mask, self.a.to(x.dtype)) * self.scale
        return y.addmm_(inner, self.b.to(x.dtype).T), inner

    def backward(self, gradient, x, mask, inner, into):
        """Add the gradient by x to `into` (None: nothing there yet); return it with the gradients by A and B."""
        of_b = gradient.T @ inner
        of_inner = (gradient @ self.b.to(x.dtype)) * self.scale
        of_a = of_inner.T @ (x if mask is None else x * mask)
        weight = dequantize(self.base.weight, x.dtype)
        into = gradient @ weight if into is None else into.addmm_(gradient, weight)
        if mask is None:
            into.addmm_(of_inner, self.a.to(x.dtype))
        else:
            into += (of_inner @ self.a.to(x.dtype)) * mask
        return into, of_a.to(self.a.dtype), of_b.to(self.b.dtype)


def _generator(place: torch.device):
    return torch.cuda.default_generators[place.index or torch.cuda.current_device()] if place.type == "cuda" else torch.default_generator


class _Project(Function):
    """Projections of one input, which is itself computed again in the backward pass from what is kept.

    `prepare(*kept)` gives the input (tokens, in), `prepare_backward(gradient, *kept)` the gradients by what is kept.
    """

    @staticmethod
    def forward(ctx, kept, prepare, prepare_backward, projections, *tensors):
        x = prepare(*tensors[:kept])
        ctx.kept, ctx.prepare, ctx.prepare_backward, ctx.projections = kept, prepare, prepare_backward, projections
        dropping = any(projection.rate and projection.module.training for projection in projections)
        ctx.random = _generator(x.device).get_state() if dropping else None
        results = [projection.forward(x, projection.mask(x)) for projection in projections]
        ctx.save_for_backward(*tensors[:kept], *(inner for _, inner in results))
        return tuple(y for y, _ in results)

    @staticmethod
    @once_differentiable
    def backward(ctx, *gradients):
        saved = ctx.saved_tensors  # asked for once: checkpointing computes them at this moment
        kept, inners = saved[: ctx.kept], saved[ctx.kept :]
        x = ctx.prepare(*kept)
        if ctx.random is not None:
            generator = _generator(x.device)
            now = generator.get_state()
            generator.set_state(ctx.random)
        masks = [projection.mask(x) for projection in ctx.projections] if ctx.random is not None else [None] * len(inners)
        if ctx.random is not None:
            generator.set_state(now)
        into, adapters = None, []
        for projection, gradient, mask, inner in zip(ctx.projections, gradients, masks, inners, strict=True):
            into, of_a, of_b = projection.backward(gradient.contiguous(), x, mask, inner, into)
            adapters += [of_a, of_b]
        return None, None, None, None, *ctx.prepare_backward(into, *kept), *adapters


def _project(projections, prepare, prepare_backward, *kept):
    adapters = [tensor for projection in projections for tensor in (projection.a, projection.b)]
    return _Project.apply(len(kept), prepare, prepare_backward, projections, *kept, *adapters)


# ---- the model ----


class Layer:
    """One decoder layer of a PEFT model."""

    def __init__(self, layer, config):
        attention, mlp = layer.self_attn, layer.mlp
        self.qkv = [Projection(getattr(attention, name)) for name in ("q_proj", "k_proj", "v_proj")]
        self.output = [Projection(attention.o_proj)]
        self.gate_up = [Projection(mlp.gate_proj), Projection(mlp.up_proj)]
        self.down = [Projection(mlp.down_proj)]
        self.norms = [(norm.weight, norm.variance_epsilon) for norm in (layer.input_layernorm, layer.post_attention_layernorm)]
        self.channels = attention.head_dim
        self.grouped = config.num_attention_heads != config.num_key_value_heads

    def _normed(self, projections, x, norm):
        weight, epsilon = self.norms[norm]
        return _project(projections, lambda x: _norm(x, weight, epsilon), lambda gradient, x: (_norm_backward(gradient, x, weight, epsilon),), x)

    def __call__(self, x, packed: Packed, cosine, sine):
        """x (tokens, hidden) -> the same."""
        queries, keys, values = _Spread.apply(*self._normed(self.qkv, x, 0), packed, cosine, sine, self.channels)
        attended = functional.scaled_dot_product_attention(
            queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2), is_causal=True, enable_gqa=self.grouped
        )
        (y,) = _project(
            self.output,
            lambda attended: attended.transpose(1, 2).flatten(2).flatten(0, 1)[packed.place_of],
            lambda gradient, attended: ((gradient[packed.token_at.flatten()] * packed.real).view_as(attended.transpose(1, 2)).transpose(1, 2),),
            attended,
        )
        x = x + y
        (y,) = _project(self.down, _gated, _gated_backward, *self._normed(self.gate_up, x, 1))
        return x + y


class _AnswerLoss(Function):
    """Summed cross-entropy of hidden states (positions, hidden) under a frozen output matrix (vocabulary, hidden), chunk by chunk."""

    @staticmethod
    def forward(ctx, hidden, matrix, targets):
        total, gradient = hidden.new_zeros((), dtype=torch.float32), torch.empty_like(hidden)
        for start in range(0, len(targets), LOSS_CHUNK):
            part = slice(start, start + LOSS_CHUNK)
            loss, of_logits = _answer_chunk(hidden[part] @ matrix.T, targets[part])
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

    Args:
        model: the PEFT model; its base is in NF4.
        checkpointing: keep only each layer's input and compute the layer again in the backward pass.
    """

    def __init__(self, model, checkpointing: bool):
        causal = model.get_base_model()
        self.model, self.checkpointing = causal.model, checkpointing
        self.matrix = causal.get_output_embeddings().weight
        self.layers = [Layer(layer, causal.config) for layer in self.model.layers]

    def loss(self, input_ids: torch.Tensor, labels: torch.Tensor, lengths: list[int]) -> torch.Tensor:
        """Return the summed cross-entropy in nats over answer tokens.

        Args:
            input_ids: (tokens,) the samples one behind another.
            labels: (tokens,) -100 where a token carries no loss, as on every sample's first token.
            lengths: tokens of each sample.
        """
        x = self.model.embed_tokens(input_ids)
        packed = Packed.of(lengths, x.device)
        cosine, sine = (table[0] for table in self.model.rotary_emb(x, torch.arange(max(lengths), device=x.device)[None]))
        for layer in self.layers:
            x = checkpoint(layer, x, packed, cosine, sine, use_reentrant=False) if self.checkpointing else layer(x, packed, cosine, sine)
        carrying = (labels[1:] != IGNORED).nonzero().flatten()
        return _AnswerLoss.apply(self.model.norm(x[carrying]), self.matrix, labels[1:][carrying])
