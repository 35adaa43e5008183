from typing import Literal, cast

Phase = Literal["analyzing", "encoding", "generating", "probing", "stitching", "verifying"]

PHASE_VALUES: set[Phase] = {
    "analyzing",
    "encoding",
    "generating",
    "probing",
    "stitching",
    "verifying",
}


def check_phase(value: str) -> Phase:
    return cast(Phase, value)
