from typing import Literal, cast

UploadOutState = Literal["aborted", "completed", "uploading"]

UPLOAD_OUT_STATE_VALUES: set[UploadOutState] = {
    "aborted",
    "completed",
    "uploading",
}


def check_upload_out_state(value: str) -> UploadOutState:
    return cast(UploadOutState, value)
