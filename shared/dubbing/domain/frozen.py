"""The base of every value of the domain."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value that travels as JSON; fractions are written ``"24000/1001"``."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null")
