from typing import Literal, cast

LipsyncCreateModel = Literal["1.3b", "14b", "tiny"]

LIPSYNC_CREATE_MODEL_VALUES: set[LipsyncCreateModel] = {
    "1.3b",
    "14b",
    "tiny",
}


def check_lipsync_create_model(value: str) -> LipsyncCreateModel:
    return cast(LipsyncCreateModel, value)
