from typing import Literal, cast

MeasuringModel = Literal["candidate", "incumbent"]

MEASURING_MODEL_VALUES: set[MeasuringModel] = {
    "candidate",
    "incumbent",
}


def check_measuring_model(value: str) -> MeasuringModel:
    return cast(MeasuringModel, value)
