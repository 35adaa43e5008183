from typing import Literal, cast

RenderCreateModelType0 = Literal["1.3b", "14b", "tiny"]

RENDER_CREATE_MODEL_TYPE_0_VALUES: set[RenderCreateModelType0] = {
    "1.3b",
    "14b",
    "tiny",
}


def check_render_create_model_type_0(value: str) -> RenderCreateModelType0:
    return cast(RenderCreateModelType0, value)
