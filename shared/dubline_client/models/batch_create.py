from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.asset_ref import AssetRef
    from ..models.batch_create_items_type_0_item import BatchCreateItemsType0Item
    from ..models.batch_create_metadata import BatchCreateMetadata


T = TypeVar("T", bound="BatchCreate")


@_attrs_define
class BatchCreate:
    """Many jobs at once: ``items``, or an uploaded file that has one as JSON in each line (JSON Lines).

    An item is the body of ``POST /v1/lipsyncs`` with ``"type": "lipsync"``, or that of a language's render with
    ``"type": "render"``, ``title`` and ``language``; either may have an ``idempotency_key``. Each is judged by itself.

        Attributes:
            items (AssetRef | list[BatchCreateItemsType0Item]):
            name (None | str | Unset):
            metadata (BatchCreateMetadata | Unset):
    """

    items: AssetRef | list[BatchCreateItemsType0Item]
    name: None | str | Unset = UNSET
    metadata: BatchCreateMetadata | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.asset_ref import AssetRef  # noqa: PLC0415
        from ..models.batch_create_items_type_0_item import BatchCreateItemsType0Item  # noqa: PLC0415
        from ..models.batch_create_metadata import BatchCreateMetadata  # noqa: PLC0415

        items: dict[str, Any] | list[dict[str, Any]]
        if isinstance(self.items, list):
            items = []
            for items_type_0_item_data in self.items:
                items_type_0_item = items_type_0_item_data.to_dict()
                items.append(items_type_0_item)

        else:
            items = self.items.to_dict()

        name: None | str | Unset
        if isinstance(self.name, Unset):
            name = UNSET
        else:
            name = self.name

        metadata: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metadata, Unset):
            metadata = self.metadata.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "items": items,
            }
        )
        if name is not UNSET:
            field_dict["name"] = name
        if metadata is not UNSET:
            field_dict["metadata"] = metadata

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.asset_ref import AssetRef  # noqa: PLC0415
        from ..models.batch_create_items_type_0_item import BatchCreateItemsType0Item  # noqa: PLC0415
        from ..models.batch_create_metadata import BatchCreateMetadata  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_items(data: object) -> AssetRef | list[BatchCreateItemsType0Item]:
            try:
                if not isinstance(data, list):
                    raise TypeError()
                items_type_0 = []
                _items_type_0 = data
                for items_type_0_item_data in _items_type_0:
                    items_type_0_item = BatchCreateItemsType0Item.from_dict(items_type_0_item_data)

                    items_type_0.append(items_type_0_item)

                return items_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            items_type_1 = AssetRef.from_dict(data)

            return items_type_1

        items = _parse_items(d.pop("items"))

        def _parse_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        name = _parse_name(d.pop("name", UNSET))

        _metadata = d.pop("metadata", UNSET)
        metadata: BatchCreateMetadata | Unset
        if isinstance(_metadata, Unset):
            metadata = UNSET
        else:
            metadata = BatchCreateMetadata.from_dict(_metadata)

        batch_create = cls(
            items=items,
            name=name,
            metadata=metadata,
        )

        return batch_create
