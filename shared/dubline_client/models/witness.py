from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.difference import Difference
    from ..models.reading import Reading


T = TypeVar("T", bound="Witness")


@_attrs_define
class Witness:
    """Both readings of one file, and everything in which they differ beyond the tolerance.

    Attributes:
        first (Reading): What one reading says of a file; a fact that it does not see is None.

            Attributes:
                by: the programs that read, with their versions.
                tracks: numbers of the picture or the sound tracks that were read, from 1.
                frames: number of frames that a player shows.
                times_sha256: SHA-256 of their times in seconds, relative to the first, as ``numerator/denominator`` lines.
                size: width and height as displayed.
                start: seconds of the programme at which picture or sound begins.
                end: seconds at which it ends.
                samples: number of samples, without holes.
                holes: time without sound between samples, in samples of silence.
        second (Reading): What one reading says of a file; a fact that it does not see is None.

            Attributes:
                by: the programs that read, with their versions.
                tracks: numbers of the picture or the sound tracks that were read, from 1.
                frames: number of frames that a player shows.
                times_sha256: SHA-256 of their times in seconds, relative to the first, as ``numerator/denominator`` lines.
                size: width and height as displayed.
                start: seconds of the programme at which picture or sound begins.
                end: seconds at which it ends.
                samples: number of samples, without holes.
                holes: time without sound between samples, in samples of silence.
        differences (list[Difference]):
    """

    first: Reading
    second: Reading
    differences: list[Difference]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.difference import Difference  # noqa: PLC0415
        from ..models.reading import Reading  # noqa: PLC0415

        first = self.first.to_dict()

        second = self.second.to_dict()

        differences = []
        for differences_item_data in self.differences:
            differences_item = differences_item_data.to_dict()
            differences.append(differences_item)

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "first": first,
                "second": second,
                "differences": differences,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.difference import Difference  # noqa: PLC0415
        from ..models.reading import Reading  # noqa: PLC0415

        d = dict(src_dict)
        first = Reading.from_dict(d.pop("first"))

        second = Reading.from_dict(d.pop("second"))

        differences = []
        _differences = d.pop("differences")
        for differences_item_data in _differences:
            differences_item = Difference.from_dict(differences_item_data)

            differences.append(differences_item)

        witness = cls(
            first=first,
            second=second,
            differences=differences,
        )

        witness.additional_properties = d
        return witness

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
