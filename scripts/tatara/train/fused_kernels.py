"""The pointwise parts of the fused step: one kernel each on a GPU, plain torch on the CPU; and NF4 weights as plain
numbers.
"""

import functools
from collections.abc import Callable

import torch

from tatara.models import nf4


def _pointwise(function: Callable) -> Callable:
    """Let torch.compile make one kernel of a function where its tensors lie on a GPU."""
    compiled = functools.cache(lambda: torch.compile(function))

    @functools.wraps(function)
    def call(*arguments):
        return (compiled() if arguments[0].is_cuda else function)(*arguments)

    return call


@_pointwise
def norm(x, weight, epsilon):
    """RMS norm of x (tokens, hidden), computed in float32."""
    x32 = x.float()
    return weight * (x32 * torch.rsqrt(x32.pow(2).mean(-1, keepdim=True) + epsilon)).to(x.dtype)


@_pointwise
def norm_backward(gradient, x, weight, epsilon):
    """Return the gradient of `norm` by x."""
    x32 = x.float()
    scale = torch.rsqrt(x32.pow(2).mean(-1, keepdim=True) + epsilon)
    direction, gradient = x32 * scale, (gradient * weight).float()
    return (scale * (gradient - direction * (gradient * direction).mean(-1, keepdim=True))).to(x.dtype)


@_pointwise
def gated(gate_up):
    """Gate and up projections side by side (tokens, 2 × inner) -> SiLU(gate) × up (tokens, inner)."""
    gate, up = gate_up.float().chunk(2, -1)
    return (gate * torch.sigmoid(gate) * up).to(gate_up.dtype)


@_pointwise
def gated_backward(gradient, gate_up):
    """Return the gradient of `gated` by its input (tokens, 2 × inner)."""
    gate, up = gate_up.float().chunk(2, -1)
    gradient, open_ = gradient.float(), torch.sigmoid(gate)
    return torch.cat((gradient * up * open_ * (1 + gate * (1 - open_)), gradient * gate * open_), -1).to(gate_up.dtype)


def _turn(x, cosine, sine):
    """Rotate pairs of channels (i, i + half); x is (…, places, heads, channels), cosine and signed sine (places,
    channels) in float32.
    """
    swapped = x.unflatten(-1, (2, -1)).flip(-2).flatten(-2)
    return (x.float() * cosine[:, None] + swapped.float() * sine[:, None]).to(x.dtype)


@_pointwise
def by_sample(qkv, token_at, cosine, sine, heads, channels):
    """Queries, keys and values by token -> by sample and place (samples, places, heads, channels), queries and keys
    rotated.
    """
    x = qkv[token_at].unflatten(-1, (-1, channels))
    kv = (x.shape[2] - heads) // 2
    queries, keys, values = x.split((heads, kv, kv), 2)
    return _turn(queries, cosine, sine), _turn(keys, cosine, sine), values.contiguous()


@_pointwise
def by_sample_backward(queries, keys, values, place_of, cosine, sine):
    """Return the gradient of `by_sample` by its input, token by token; the angles' signs turn it back."""
    turned = _turn(queries, cosine, -sine), _turn(keys, cosine, -sine), values
    return torch.cat([x.flatten(2).flatten(0, 1)[place_of] for x in turned], -1)


@_pointwise
def answer_chunk(logits, targets):
    """Return the summed cross-entropy in nats and its gradient by the logits (positions, vocabulary)."""
    scores = logits.float()
    normalizer = torch.logsumexp(scores, -1, keepdim=True)
    hit = torch.arange(scores.shape[-1], device=scores.device) == targets[:, None]
    return (normalizer.squeeze(-1) - torch.where(hit, scores, 0.0).sum(-1)).sum(), (
        torch.exp(scores - normalizer) - hit.float()
    ).to(logits.dtype)


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
    """Write a bitsandbytes NF4 weight as plain numbers into `output` (out, in); on a GPU in one kernel, since
    bitsandbytes takes three.
    """
    state = weight.quant_state
    if not weight.is_cuda or not state.nested or (state.blocksize, state.state2.blocksize) != (64, 256):
        output.copy_(nf4.dequantize(weight))
        return
    count = weight.numel()
    _dequantize_kernel[(triton.cdiv(count, 2048),)](
        weight.data,
        state.absmax,
        state.code,
        state.state2.code,
        state.state2.absmax,
        state.offset,
        output,
        count,
        BYTES=2048,
        num_warps=4,
    )
