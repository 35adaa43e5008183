"""The three models of a version, called as the server calls them.

Legend: V video frames, H/W crop side, C colours, A features, S samples, T latent frames, Z latent channels, h/w latent side.
"""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lipforcing.contract import STUDENTS
from lipforcing.rollout import generate
from lipforcing.serving.encoders import FaceEncoder, SpeechEncoder
from lipforcing.serving.loading import LoadedStudent, load_face_encoder, load_speech_encoder, load_student
from lipforcing.vae.base import to_uint8
from services.trainer.models.publish import version_folder

from .latents import conditions_of

Frames = NDArray[np.uint8]
Latents = NDArray[np.float16]
CPU = torch.device("cpu")


class Dubber:
    """A student with its encoders: versions 1 of a preset's models in a repository.

    Raises:
        WeightsError: a folder is absent, damaged, or another model's.
    """

    def __init__(self, repository: Path, preset: str = "tiny", device: torch.device = CPU) -> None:
        contract = STUDENTS[preset]
        face, speech = contract.face_encoder, contract.speech_encoder
        self._faces = FaceEncoder(load_face_encoder(version_folder(repository, face), face, device), contract.crop)
        self._speech = SpeechEncoder(load_speech_encoder(version_folder(repository, speech), speech, device))
        self._loaded: LoadedStudent = load_student(version_folder(repository, contract.student), device)
        self.device = device

    def listen(self, sound_S: NDArray[np.int16], times_V: NDArray[np.float64]) -> NDArray[np.float16]:
        """Features [V, A] of a sound at the given times; its level is that of the whole sound, as jobs tell it of theirs."""
        waveform_S = sound_S.astype(np.float32) / 32_768.0
        return self._speech.encode(waveform_S, times_V, np.array([waveform_S.mean(), waveform_S.std()], np.float32))

    def encode(self, crops_VHWC: Frames) -> tuple[Latents, Latents]:
        """Latents [T, Z, h, w] of the crops as they are, and with their mouths hidden; V must fill whole blocks."""
        return self._faces.encode(crops_VHWC)

    def speak(self, crops_VHWC: Frames, speech_VA: NDArray[np.float16], seed: int = 0) -> Frames:
        """The crops with a mouth that says ``speech_VA``; V must fill whole blocks."""
        return self.say(*self.encode(crops_VHWC), speech_VA, seed)

    @torch.inference_mode()
    def say(self, reference_TZhw: Latents, masked_TZhw: Latents, speech_VA: NDArray[np.float16], seed: int = 0) -> Frames:
        """Crops [V, H, W, C] of the masked footage with a mouth that says ``speech_VA``, of the person of the reference."""
        network, codec = self._loaded.student.network, self._loaded.codec
        reference, masked, speech = (torch.from_numpy(x).to(self.device) for x in (reference_TZhw, masked_TZhw, speech_VA))
        conditions = conditions_of(reference.transpose(0, 1)[None], masked.transpose(0, 1)[None], speech[None], network.dtype)
        latents = generate(self._loaded.student, conditions, seed)
        pictures = codec.decode(latents.to(next(codec.parameters()).dtype))
        return to_uint8(pictures[0]).cpu().numpy()
