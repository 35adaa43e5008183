from typing import Literal, cast

PromotionModel = Literal["1.3b", "14b", "tiny"]

PROMOTION_MODEL_VALUES: set[PromotionModel] = {
    "1.3b",
    "14b",
    "tiny",
}


def check_promotion_model(value: str) -> PromotionModel:
    return cast(PromotionModel, value)
