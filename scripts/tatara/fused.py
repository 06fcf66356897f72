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
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

from tatara.chat import IGNORED

ARCHITECTURES = ("llama", "qwen2")
# Not cuDNN's attention: it prepares a plan for each new length, which takes longer than the step.
ATTENTION = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
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
    compiled = functools.cache(lambda: torch.compile(function))

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
def _gated(gate_up):
    """Gate and up projections side by side (tokens, 2 × inner) -> SiLU(gate) × up (tokens, inner)."""
    gate, up = gate_up.float().chunk(2, -1)
    return (gate * torch.sigmoid(gate) * up).to(gate_up.dtype)


@_pointwise
def _gated_backward(gradient, gate_up):
    gate, up = gate_up.float().chunk(2, -1)
    gradient, open_ = gradient.float(), torch.sigmoid(gate)
    return torch.cat((gradient * up * open_ * (1 + gate * (1 - open_)), gradient * gate * open_), -1).to(gate_up.dtype)


def _turn(x, cosine, sine):
    """Rotate pairs of channels (i, i + half); x is (…, places, heads, channels), cosine and signed sine (places, channels) in float32."""
    swapped = x.unflatten(-1, (2, -1)).flip(-2).flatten(-2)
    return (x.float() * cosine[:, None] + swapped.float() * sine[:, None]).to(x.dtype)


@_pointwise
def _spread(qkv, token_at, cosine, sine, heads, channels):
    """Queries, keys and values by token -> by sample and place (samples, places, heads, channels), queries and keys rotated."""
    x = qkv[token_at].unflatten(-1, (-1, channels))
    kv = (x.shape[2] - heads) // 2
    queries, keys, values = x.split((heads, kv, kv), 2)
    return _turn(queries, cosine, sine), _turn(keys, cosine, sine), values.contiguous()


@_pointwise
def _spread_backward(queries, keys, values, place_of, cosine, sine):
    turned = _turn(queries, cosine, -sine), _turn(keys, cosine, -sine), values
    return torch.cat([x.flatten(2).flatten(0, 1)[place_of] for x in turned], -1)


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


class _Spread(Function):
    """Queries, keys and values by token -> by sample and place, queries and keys rotated."""

    @staticmethod
    def forward(ctx, qkv, packed, angles, heads, channels):
        ctx.place_of, ctx.angles = packed.place_of, angles
        return _spread(qkv, packed.token_at, *angles, heads, channels)

    @staticmethod
    @once_differentiable
    def backward(ctx, queries, keys, values):
        # The gradient at padding is zero: no token's output depends on it.
        return _spread_backward(queries, keys, values, ctx.place_of, *ctx.angles), None, None, None, None


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


def dequantize(weight, output: torch.Tensor) -> None:
    """Write a bitsandbytes NF4 weight as plain numbers into `output` (out, in); on a GPU in one kernel, since bitsandbytes takes three."""
    state = weight.quant_state
    if not weight.is_cuda or not state.nested or (state.blocksize, state.state2.blocksize) != (64, 256):
        output.copy_(dequantize_4bit(weight.data, state))
        return
    count = weight.numel()
    _dequantize_kernel[(triton.cdiv(count, 2048),)](
        weight.data, state.absmax, state.code, state.state2.code, state.state2.absmax, state.offset, output, count, BYTES=2048, num_warps=4
    )


def _joined(parts: list[torch.Tensor], dimension: int) -> torch.Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, dimension)


class Projections:
    """Frozen NF4 matrices W of one input, one above another, with their adapters: y = W x + bias + s B A dropout(x), as PEFT's lora.Linear4bit.

    A holds the adapters' A matrices one above another, B theirs along its diagonal, so that the group takes as many matrix products as
    one matrix would. Both are copies in the type of the input; `refresh` fills them from the trained float32 parameters.
    """

    def __init__(self, *modules):
        self.modules = modules
        self.weights = [module.get_base_layer().weight for module in modules]
        biases = [module.get_base_layer().bias for module in modules]
        self.bias = None if biases[0] is None else torch.cat([bias.detach() for bias in biases])
        self.trained = [module.lora_A["default"].weight for module in modules] + [module.lora_B["default"].weight for module in modules]
        self.scale = modules[0].scaling["default"]
        self.rate = getattr(modules[0].lora_dropout["default"], "p", 0.0)
        self.outs, self.rank = [module.get_base_layer().out_features for module in modules], self.trained[0].shape[0]
        self.a = self.b = None

    def refresh(self, dtype: torch.dtype) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        """Return the parts of A and B and the parameters that belong into them."""
        if self.a is None:
            first, count = self.trained[0], len(self.modules)
            self.a = torch.zeros(count * self.rank, first.shape[1], dtype=dtype, device=first.device)
            self.b = torch.zeros(sum(self.outs), count * self.rank, dtype=dtype, device=first.device)
        return self._parts(self.a, self.b), self.trained

    def _parts(self, a: torch.Tensor, b: torch.Tensor) -> list[torch.Tensor]:
        blocks = zip(b.split(self.outs), range(0, b.shape[1], self.rank), strict=True)
        return [*a.split(self.rank), *(rows[:, column : column + self.rank] for rows, column in blocks)]

    def matrix(self, dtype: torch.dtype) -> torch.Tensor:
        whole = torch.empty(sum(self.outs), self.a.shape[1], dtype=dtype, device=self.a.device)
        for weight, part in zip(self.weights, whole.split(self.outs), strict=True):
            dequantize(weight, part)
        return whole

    def masks(self, x: torch.Tensor, seed: torch.Tensor | None) -> list:
        """Return dropout's factors for each adapter's x, 0 or 1/(1 - rate), drawn from a seed; [None] where nothing is dropped."""
        if seed is None:
            return [None]
        generator = torch.Generator(x.device).manual_seed(seed.item())
        return [torch.empty_like(x).bernoulli_(1 - self.rate, generator=generator).div_(1 - self.rate) for _ in self.modules]

    def seed(self) -> torch.Tensor | None:
        """Draw a seed on the CPU, whose generator a resumed run restores; None where nothing is dropped."""
        return torch.randint(2**62, ()) if self.rate and self.modules[0].training else None

    def forward(self, x: torch.Tensor, masks: list) -> tuple[torch.Tensor, torch.Tensor]:
        """x (tokens, in) -> y (tokens, out) and the adapters' inner values (tokens, adapters × r)."""
        y = functional.linear(x, self.matrix(x.dtype), None if self.bias is None else self.bias.to(x.dtype))
        rows = self.a.split(len(self.a) // len(masks))
        inner = _joined([functional.linear(x if mask is None else x * mask, part) for mask, part in zip(masks, rows, strict=True)], -1)
        if self.scale != 1:
            inner *= self.scale
        return y.addmm_(inner, self.b.T), inner

    def backward(self, gradient: torch.Tensor, x: torch.Tensor, masks: list, inner: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Return the gradients by x and by the trained parameters."""
        of_b = gradient.T @ inner
        of_inner = gradient @ self.b
        if self.scale != 1:
            of_inner *= self.scale
        of_x = gradient @ self.matrix(x.dtype)
        size, of_a = len(self.a) // len(masks), []
        for mask, part, columns in zip(masks, self.a.split(size), of_inner.split(size, -1), strict=True):
            of_a.append(columns.T @ (x if mask is None else x * mask))
            if mask is None:
                of_x.addmm_(columns, part)
            else:
                of_x += (columns @ part) * mask
        return of_x, self._parts(_joined(of_a, 0), of_b)


class _Project(Function):
    """Projections of one input, which is computed again in the backward pass from what is kept.

    `prepare(kept)` gives the input (tokens, in), `prepare_backward(gradient, kept)` the gradient by what is kept.
    """

    @staticmethod
    def forward(ctx, kept, prepare, prepare_backward, projections, *trained):
        ctx.prepare, ctx.prepare_backward, ctx.projections, ctx.seed = prepare, prepare_backward, projections, projections.seed()
        x = prepare(kept)
        y, inner = projections.forward(x, projections.masks(x, ctx.seed))
        ctx.save_for_backward(kept, inner)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient):
        kept, inner = ctx.saved_tensors  # asked for once: checkpointing computes them at this moment
        x = ctx.prepare(kept)
        of_x, of_trained = ctx.projections.backward(gradient.contiguous(), x, ctx.projections.masks(x, ctx.seed), inner)
        return ctx.prepare_backward(of_x, kept), None, None, None, *of_trained


def _project(projections, prepare, prepare_backward, kept):
    return _Project.apply(kept, prepare, prepare_backward, projections, *projections.trained)


# ---- the model ----


class Layer:
    """One decoder layer of a PEFT model."""

    def __init__(self, layer, config):
        attention, mlp = layer.self_attn, layer.mlp
        self.qkv = Projections(attention.q_proj, attention.k_proj, attention.v_proj)
        self.output = Projections(attention.o_proj)
        self.gate_up = Projections(mlp.gate_proj, mlp.up_proj)
        self.down = Projections(mlp.down_proj)
        self.groups = [self.qkv, self.output, self.gate_up, self.down]
        self.norms = [(norm.weight, norm.variance_epsilon) for norm in (layer.input_layernorm, layer.post_attention_layernorm)]
        self.heads, self.channels = config.num_attention_heads, attention.head_dim
        self.grouped = config.num_attention_heads != config.num_key_value_heads

    def _normed(self, projections, x, norm):
        weight, epsilon = self.norms[norm]
        return _project(projections, lambda x: _norm(x, weight, epsilon), lambda gradient, x: _norm_backward(gradient, x, weight, epsilon), x)

    def __call__(self, x, packed: Packed, angles):
        """x (tokens, hidden) -> the same."""
        qkv = _Spread.apply(self._normed(self.qkv, x, 0), packed, angles, self.heads, self.channels)
        queries, keys, values = (part.transpose(1, 2) for part in qkv)
        with sdpa_kernel(ATTENTION):  # here and not around the model: checkpointing calls a layer again in the backward pass
            attended = functional.scaled_dot_product_attention(queries, keys, values, is_causal=True, enable_gqa=self.grouped)
        x = x + _project(
            self.output,
            lambda attended: attended.transpose(1, 2).flatten(2).flatten(0, 1)[packed.place_of],
            lambda gradient, attended: (gradient[packed.token_at] * packed.real).view_as(attended.transpose(1, 2)).transpose(1, 2),
            attended,
        )
        return x + _project(self.down, _gated, _gated_backward, self._normed(self.gate_up, x, 1))


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

    On a GPU the embedding moves to the CPU, where only the rows of a step's tokens are read: 1 GiB less for a vocabulary of 128,256.

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
        cosine, sine = (table[0].float() for table in self.model.rotary_emb(x, torch.arange(max(lengths), device=place)[None]))
        half = sine.shape[-1] // 2
        angles = cosine, torch.cat((-sine[:, :half], sine[:, half:]), -1)
        for layer in self.layers:
            x = checkpoint(layer, x, packed, angles, use_reentrant=False) if self.checkpointing else layer(x, packed, angles)
        carrying = (labels[1:] != IGNORED).nonzero().flatten()
        return _AnswerLoss.apply(self.model.norm(x[carrying]), self.matrix, labels[1:][carrying])
