"""Every model that fits a test, with random weights, and the version folders made of them."""

from pathlib import Path

import torch

from lipforcing.audio.tiny import TinySpeechEncoder
from lipforcing.contract import STUDENTS, SYNCNET
from lipforcing.network import LipNetwork, initialise
from lipforcing.presets import PRESETS
from lipforcing.syncnet import SyncNet
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
