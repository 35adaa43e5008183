"""Models from version folders, whatever type their file is in."""

from pathlib import Path

import numpy as np
import pytest
import torch
from shrunken_models import CONTRACT, shrunken

from lipforcing.contract import frames_of
from lipforcing.serving.encoders import FaceEncoder
from lipforcing.serving.loading import load_face_encoder
from lipforcing.vae.wan import WanVae
from lipforcing.weights.folder import join_parts, write_folder


@pytest.mark.parametrize("kept", [torch.float32, torch.bfloat16, torch.float16])
def test_a_face_encoder_that_was_stored_in_any_type_encodes_on_a_cpu(kept: torch.dtype, tmp_path: Path) -> None:
    codec = WanVae(4)
    stored = {name: tensor.to(kept) for name, tensor in codec.state_dict().items()}
    codec.load_state_dict(stored)
    write_folder(tmp_path, join_parts({"codec": stored}), {"model": CONTRACT.face_encoder})
    with shrunken():
        found = FaceEncoder(load_face_encoder(tmp_path, CONTRACT.face_encoder, torch.device("cpu")), CONTRACT.crop)
    crops = np.random.default_rng(1).integers(0, 256, (frames_of(1), CONTRACT.crop, CONTRACT.crop, 3), np.uint8)
    wanted, _ = FaceEncoder(codec, CONTRACT.crop).encode(crops)
    assert np.array_equal(found.encode(crops)[0], wanted)
