"""What a client is told when the inference server refuses."""

import pytest
from tritonclient.utils import InferenceServerException

from dubbing.errors import ChunkFailed, ModelUnavailable
from dubbing.inference.triton import TritonEngine

STACK = "Failed to process: RuntimeError: no room\n\nAt:\n  /opt/model.py(7): execute\n"


@pytest.mark.parametrize(("status", "wanted"), [("INTERNAL", ChunkFailed), ("UNAVAILABLE", ModelUnavailable)])
def test_what_a_model_raised_is_told_without_its_stack(status: str, wanted: type[Exception]) -> None:
    found = TritonEngine("127.0.0.1:9", "tiny")._problem(
        "lip_student_tiny", InferenceServerException(STACK, f"StatusCode.{status}")
    )
    assert type(found) is wanted
    assert found.detail.endswith("Failed to process: RuntimeError: no room")
