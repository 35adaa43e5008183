"""The student in plain float64 numpy, written from the published description and sharing no code with the product.

Nothing is cached and nothing is fused: a block is computed by running every frame of the clip so far through a dense
network in which each block looks at its own window, past blocks clean at t = 0, the newest at its own timestep.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

CHUNK = 3
Array = NDArray[np.float64]
Weights = dict[str, Array]
Clip = dict[str, Array]
Noise = Callable[[int, int], Array]
# Query frames and visible frames of every block.
Windows = list[tuple[list[int], list[int]]]


def linear(w: Weights, name: str, x: Array) -> Array:
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def gelu_tanh(x: Array) -> Array:
    return 0.5 * x * (1.0 + np.tanh(np.sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))


def silu(x: Array) -> Array:
    return x / (1.0 + np.exp(-x))


def layer_norm(x: Array, eps: float) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps)


def rms_full_width(x: Array, weight: Array) -> Array:
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + 1e-6) * weight


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def rope_table(head_dim: int, frame: int, row: int, col: int) -> Array:
    """Complex rotations of one token: the pairs of a head are split time, rows, columns."""
    spatial = 2 * (head_dim // 6)
    table = []
    for position, width in ((frame, head_dim - 2 * spatial), (row, spatial), (col, spatial)):
        table += [np.exp(1j * position * 10_000.0 ** (-2.0 * j / width)) for j in range(width // 2)]
    return np.array(table)


def rotate_token(head: Array, table: Array) -> Array:
    """One head of one token; elements 2j and 2j + 1 are a complex number."""
    turned = (head[0::2] + 1j * head[1::2]) * table
    out = np.empty_like(head)
    out[0::2], out[1::2] = turned.real, turned.imag
    return out


def visible(block: int, window: int, sink: int) -> list[int]:
    """Brute force: every frame of the past and of the block itself, in order, that the window rule admits."""
    end = CHUNK * (block + 1)
    frames = []
    for k in range(end):
        in_window = k >= end - (window - sink)
        in_sink = k < sink
        if in_window or in_sink:
            frames.append(k)
    return frames


def rotate_frame(x: Array, position: int, grid: int, heads: int) -> Array:
    """All tokens of one frame, [N, D] -> [N, heads, head_dim], at a temporal position."""
    count, dim = x.shape
    out = x.reshape(count, heads, dim // heads).copy()
    for token in range(count):
        table = rope_table(dim // heads, position, token // grid, token % grid)
        for head in range(heads):
            out[token, head] = rotate_token(out[token, head], table)
    return out


def windowed_attention(q: Array, k: Array, v: Array, *, grid: int, heads: int, windows: Windows) -> Array:
    """q, k, v [T, N, D]; windows: for every block its query frames and its visible frames; positions are window places."""
    _, count, dim = q.shape
    out = np.empty_like(q)
    for queries, keys in windows:
        kk = np.concatenate([rotate_frame(k[f], place, grid, heads) for place, f in enumerate(keys)])
        vv = np.concatenate([v[f].reshape(count, heads, -1) for f in keys])
        for f in queries:
            qq = rotate_frame(q[f], keys.index(f), grid, heads)
            scores = np.einsum("nhc,mhc->hnm", qq, kk) / np.sqrt(dim // heads)
            out[f] = np.einsum("hnm,mhc->nhc", softmax(scores), vv).reshape(count, dim)
    return out


def text_attention(w: Weights, name: str, x: Array, context: Array, heads: int) -> Array:
    q = rms_full_width(linear(w, f"{name}.q", x), w[f"{name}.norm_q.weight"])
    k = rms_full_width(linear(w, f"{name}.k", context), w[f"{name}.norm_k.weight"])
    v = linear(w, f"{name}.v", context)
    q, k, v = (y.reshape(*y.shape[:-1], heads, -1) for y in (q, k, v))
    scores = np.einsum("tnhc,mhc->thnm", q, k) / np.sqrt(q.shape[-1])
    mixed = np.einsum("thnm,mhc->tnhc", softmax(scores), v)
    return linear(w, f"{name}.o", mixed.reshape(x.shape))


def time_vectors(w: Weights, t: Sequence[float] | Array) -> tuple[Array, Array]:
    """[T] -> embedding [T, D] and projection [T, 6, D]; cosines first."""
    rates = 10_000.0 ** (-np.arange(128) / 128.0)
    angles = 1000.0 * np.asarray(t, np.float64)[:, None] * rates
    sinusoids = np.concatenate([np.cos(angles), np.sin(angles)], axis=1)
    embedded = linear(w, "time_embedding.2", silu(linear(w, "time_embedding.0", sinusoids)))
    return embedded, linear(w, "time_projection.1", silu(embedded)).reshape(len(embedded), 6, -1)


def patchify(w: Weights, channels: Array) -> Array:
    """[65, T, h, w] -> [T, N, D]: a convolution with kernel and stride (1, 2, 2), written out."""
    _, frames, height, width = channels.shape
    kernel = w["patch_embedding.weight"]
    out = np.empty((frames, height // 2 * (width // 2), len(kernel)))
    for f in range(frames):
        for row in range(height // 2):
            for col in range(width // 2):
                patch = channels[:, f, 2 * row : 2 * row + 2, 2 * col : 2 * col + 2]
                out[f, row * (width // 2) + col] = np.einsum("dcij,cij->d", kernel[:, :, 0], patch)
    return out + w["patch_embedding.bias"]


def unpatchify(tokens: Array, height: int, width: int) -> Array:
    """[T, N, 64] -> [16, T, h, w]; a token's outputs are ordered row, column, channel."""
    frames = len(tokens)
    out = np.empty((16, frames, height, width))
    for f in range(frames):
        for n, values in enumerate(tokens[f]):
            row, col = n // (width // 2), n % (width // 2)
            for i in range(2):
                for j in range(2):
                    for c in range(16):
                        out[c, f, 2 * row + i, 2 * col + j] = values[(i * 2 + j) * 16 + c]
    return out


def packed_audio(w: Weights, speech: Array) -> Array:
    """[1 + 4k, A] -> [1 + k, 32]: latent 0 hears frame 0 four times, latent k the frames 4k-3 .. 4k."""
    rows = []
    for latent in range((len(speech) + 3) // 4):
        frames = [0, 0, 0, 0] if latent == 0 else list(range(4 * latent - 3, 4 * latent + 1))
        rows.append(np.concatenate([speech[f] for f in frames]))
    packed = linear(w, "audio_proj.proj", np.array(rows))
    return layer_norm(packed, 1e-5) * w["audio_proj.norm_out.weight"] + w["audio_proj.norm_out.bias"]


def flow(w: Weights, sizes: dict[str, int], x: Array, t: Sequence[float] | Array, *, clip: Clip, windows: Windows) -> Array:
    """Flow of every frame of [16, T, h, w] at timesteps [T]; ``clip`` holds the conditions of the whole clip."""
    layers, heads = sizes["layers"], sizes["heads"]
    frames, height, width = x.shape[1:]
    first = np.repeat(clip["reference"][:, :1], frames, axis=1) if "identity" not in clip else clip["identity"]
    mask = np.broadcast_to(clip["mask"], (1, frames, height, width))
    stacked = np.concatenate([x, first[:, :frames], mask, clip["masked"][:, :frames], clip["reference"][:, :frames]])
    hidden = patchify(w, stacked)
    embedded, projected = time_vectors(w, t)
    context = linear(w, "text_embedding.2", gelu_tanh(linear(w, "text_embedding.0", clip["text"])))
    audio = packed_audio(w, clip["speech"])[:frames]
    for i in range(layers):
        name = f"blocks.{i}"
        if 2 <= i <= layers // 2:
            hidden = hidden + linear(w, f"audio_cond_projs.{i - 2}", audio)[:, None, :]
        e = (w[f"{name}.modulation"] + projected)[:, :, None, :]
        h = layer_norm(hidden, 1e-6) * (1 + e[:, 1]) + e[:, 0]
        q = rms_full_width(linear(w, f"{name}.self_attn.q", h), w[f"{name}.self_attn.norm_q.weight"])
        k = rms_full_width(linear(w, f"{name}.self_attn.k", h), w[f"{name}.self_attn.norm_k.weight"])
        v = linear(w, f"{name}.self_attn.v", h)
        mixed = windowed_attention(q, k, v, grid=width // 2, heads=heads, windows=windows)
        hidden = hidden + linear(w, f"{name}.self_attn.o", mixed) * e[:, 2]
        n3 = layer_norm(hidden, 1e-6) * w[f"{name}.norm3.weight"] + w[f"{name}.norm3.bias"]
        hidden = hidden + text_attention(w, f"{name}.cross_attn", n3, context, heads)
        h = layer_norm(hidden, 1e-6) * (1 + e[:, 4]) + e[:, 3]
        hidden = hidden + linear(w, f"{name}.ffn.2", gelu_tanh(linear(w, f"{name}.ffn.0", h))) * e[:, 5]
    s = w["head.modulation"][0] + embedded[:, None, :]
    out = linear(w, "head.head", layer_norm(hidden, 1e-6) * (1 + s[:, None, 1]) + s[:, None, 0])
    return unpatchify(out, height, width)


def generate(w: Weights, sizes: dict[str, int], clip: Clip, noise: Noise, t_list: Sequence[float]) -> Array:
    """Blocks one after the other; ``noise(block, draw)`` -> [16, 3, h, w]. Returns [16, T, h, w]."""
    blocks = clip["masked"].shape[1] // CHUNK
    done = np.empty((16, 0, *clip["masked"].shape[2:]))
    for block in range(blocks):
        windows = [
            (list(range(CHUNK * b, CHUNK * b + CHUNK)), visible(b, sizes["window"], sizes["sink"])) for b in range(block + 1)
        ]
        x = noise(block, 0)
        for step, t in enumerate(t_list[:-1]):
            times = [0.0] * (CHUNK * block) + [t] * CHUNK
            v = flow(w, sizes, np.concatenate([done, x], axis=1), times, clip=clip, windows=windows)[:, -CHUNK:]
            x0 = x - t * v
            if step + 1 < len(t_list) - 1:
                x = (1 - t_list[step + 1]) * x0 + t_list[step + 1] * noise(block, step + 1)
        done = np.concatenate([done, x0], axis=1)
    return done
