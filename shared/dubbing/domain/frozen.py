"""The base of every value of the domain."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """An immutable value that travels as JSON; fractions are written ``"24000/1001"``.

    Its schema says that every member is there, for what is sent has them all, defaults included.
    """

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null", json_schema_serialization_defaults_required=True)
