"""Models with random weights as a server finds them, and chunks that are sent to it block by block, without the engine."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from tritonclient import grpc
from tritonclient.utils import np_to_triton_dtype

from dubbing.inference.engine import ChunkRequest, FaceLatents
from lipforcing.audio.pack import group_frames
from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.conditions import Conditions
from lipforcing.contract import STUDENTS, SYNCNET, StudentTensor
from lipforcing.mask import generate_mask
from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import PRESETS
from lipforcing.rollout import Student, generate
from lipforcing.syncnet import SyncNet
from lipforcing.vae.base import to_uint8
from lipforcing.vae.tiny import TinyCodec
from lipforcing.weights.folder import join_parts, write_folder

TINY = STUDENTS["tiny"]
CONFIG = PRESETS["tiny"]


class Weights:
    """Random modules, and the version folders made of them."""

    def __init__(self) -> None:
        torch.manual_seed(4)
        self.network, self.codec, self.speech = LipNetwork(CONFIG), TinyCodec().eval(), TinySpeechEncoder().eval()
        initialise(self.network, 4)
        torch.nn.init.normal_(self.network.head.head.weight, std=0.05)
        self.text = torch.zeros(CONFIG.text_len, CONFIG.text_dim)
        self.syncnet = SyncNet().eval().requires_grad_(requires_grad=False)

    def write(self, repository: Path) -> None:
        codec = self.codec.state_dict()
        self.write_student(repository / TINY.student / "1")
        write_folder(repository / TINY.face_encoder / "1", join_parts({"codec": codec}), {"model": TINY.face_encoder})
        speech = join_parts({"encoder": self.speech.state_dict()})
        write_folder(repository / TINY.speech_encoder / "1", speech, {"model": TINY.speech_encoder})
        write_folder(repository / SYNCNET / "1", join_parts({"network": self.syncnet.state_dict()}), {"model": SYNCNET})

    def write_student(self, folder: Path) -> None:
        parts = {"network": self.network.state_dict(), "codec": self.codec.state_dict(), "text": {"embedding": self.text}}
        about = {"model": TINY.student, "preset": "tiny", "config": CONFIG.to_json()}
        write_folder(folder, join_parts(parts), about)


def infer(
    client: grpc.InferenceServerClient, model: str, arrays: dict[str, np.ndarray], seconds: float = 300.0, **sequence: Any
) -> grpc.InferResult:
    return client.infer(model, tensors_of(arrays), client_timeout=seconds, **sequence)


def tensors_of(arrays: dict[str, np.ndarray]) -> list[grpc.InferInput]:
    tensors = []
    for name, array in arrays.items():
        tensor = grpc.InferInput(str(name), list(array.shape), np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        tensors.append(tensor)
    return tensors


class Chunk:
    """Random conditions of one chunk, and its blocks as requests."""

    def __init__(self, number: int, blocks: int) -> None:
        rng = np.random.default_rng(number)
        self.number, self.blocks, self.nonce = number, blocks, 900 + number
        shape = (3 * blocks, 16, 16, 16)
        self.reference, self.masked = (rng.standard_normal(shape).astype(np.float16) for _ in range(2))
        self.speech = rng.standard_normal((12 * blocks - 3, 64)).astype(np.float16)

    def inputs(self, block: int, **changes: Any) -> dict[str, np.ndarray]:
        rows = np.maximum(np.arange(12 * block - 3, 12 * block + 9), 0)
        part = slice(3 * block, 3 * block + 3)
        values = {"SEED": 5, "NONCE": self.nonce, "CHUNK": self.number, "BLOCK": block, **changes}
        types = {"SEED": np.int64, "NONCE": np.int64, "CHUNK": np.int32, "BLOCK": np.int32}
        arrays = {name: np.array([[values[name]]], kind) for name, kind in types.items()}
        tensors = {"REFERENCE": self.reference[part], "MASKED": self.masked[part], "SPEECH": self.speech[rows]}
        return arrays | {name: np.ascontiguousarray(tensor[None]) for name, tensor in tensors.items()}

    def send(self, client: grpc.InferenceServerClient, block: int, **changes: Any) -> np.ndarray:
        answer = infer(
            client, TINY.student, self.inputs(block, **changes),
            sequence_id=self.number + 1, sequence_start=block == 0, sequence_end=block == self.blocks - 1,
        )  # fmt: skip
        return answer.as_numpy(StudentTensor.FRAMES)[0]

    def expected(self, weights: Weights) -> np.ndarray:
        def tensor(x: np.ndarray) -> torch.Tensor:
            return torch.from_numpy(x.astype(np.float32))

        conditions = Conditions(
            tensor(self.reference[0])[None], generate_mask(16), tensor(self.masked).transpose(0, 1)[None],
            tensor(self.reference).transpose(0, 1)[None], group_frames(tensor(self.speech)[None]),
        )  # fmt: skip
        student = Student.frozen(weights.network, weights.text[None])
        with torch.no_grad():
            latents = generate(student, conditions, seed=5, chunk=self.number)
            return to_uint8(weights.codec.decode(latents))[0].numpy()


def fill_and_empty(server: dict[str, str], numbers: range) -> None:
    """As many sequences as the student has slots begin and end. None waits for a slot, which the server frees after 120 s."""
    chunks = [Chunk(number, blocks=2) for number in numbers]
    with grpc.InferenceServerClient(server["DUBLINE_TRITON_URL"]) as client:
        for chunk in chunks:
            infer(client, TINY.student, chunk.inputs(0), 60.0, sequence_id=chunk.number + 1, sequence_start=True)
        for chunk in chunks:
            chunk.send(client, 1)


def run_chunk(server: dict[str, str], chunk: Chunk) -> np.ndarray:
    """All frames of a chunk, through a connection of its own."""
    with grpc.InferenceServerClient(server["DUBLINE_TRITON_URL"]) as client:
        return np.concatenate([chunk.send(client, block) for block in range(chunk.blocks)])


def request_of(chunk: Chunk) -> ChunkRequest:
    return ChunkRequest(5, chunk.number, 1, FaceLatents(chunk.reference, chunk.masked), chunk.speech)
