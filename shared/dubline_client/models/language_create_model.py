from typing import Literal, cast

LanguageCreateModel = Literal["1.3b", "14b", "tiny"]

LANGUAGE_CREATE_MODEL_VALUES: set[LanguageCreateModel] = {
    "1.3b",
    "14b",
    "tiny",
}


def check_language_create_model(value: str) -> LanguageCreateModel:
    return cast(LanguageCreateModel, value)
