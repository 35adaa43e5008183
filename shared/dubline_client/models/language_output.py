from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.output import Output


T = TypeVar("T", bound="LanguageOutput")


@_attrs_define
class LanguageOutput:
    """Where masters of a language are delivered to from now on; null for nowhere but our own store.

    Attributes:
        output (None | Output):
    """

    output: None | Output

    def to_dict(self) -> dict[str, Any]:
        from ..models.output import Output  # noqa: PLC0415

        output: dict[str, Any] | None
        if isinstance(self.output, Output):
            output = self.output.to_dict()
        else:
            output = self.output

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "output": output,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.output import Output  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_output(data: object) -> None | Output:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                output_type_0 = Output.from_dict(data)

                return output_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Output, data)

        output = _parse_output(d.pop("output"))

        language_output = cls(
            output=output,
        )

        return language_output
