from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Generator, TextIO, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.release_state import ReleaseState, check_release_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.failure import Failure
    from ..models.measuring import Measuring
    from ..models.release_out_figures_item import ReleaseOutFiguresItem


T = TypeVar("T", bound="ReleaseOut")


@_attrs_define
class ReleaseOut:
    """A version of a model. ``figures`` are the gate's: every measured value beside the incumbent's.

    Attributes:
        id (str):
        model (str):
        version (int | None):
        status (ReleaseState): Where a model version stands: ``checking`` -> ``active`` | ``canary`` | ``rejected`` |
            ``failed``; later ``retired``.
        share (float):
        run (None | str):
        digest (None | str):
        progress (Measuring | None):
        figures (list[ReleaseOutFiguresItem]):
        error (Failure | None):
        created_at (datetime.datetime):
        decided_at (datetime.datetime | None):
    """

    id: str
    model: str
    version: int | None
    status: ReleaseState
    share: float
    run: None | str
    digest: None | str
    progress: Measuring | None
    figures: list[ReleaseOutFiguresItem]
    error: Failure | None
    created_at: datetime.datetime
    decided_at: datetime.datetime | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.measuring import Measuring  # noqa: PLC0415
        from ..models.release_out_figures_item import ReleaseOutFiguresItem  # noqa: PLC0415

        id = self.id

        model = self.model

        version: int | None
        version = self.version

        status: str = self.status

        share = self.share

        run: None | str
        run = self.run

        digest: None | str
        digest = self.digest

        progress: dict[str, Any] | None
        if isinstance(self.progress, Measuring):
            progress = self.progress.to_dict()
        else:
            progress = self.progress

        figures = []
        for figures_item_data in self.figures:
            figures_item = figures_item_data.to_dict()
            figures.append(figures_item)

        error: dict[str, Any] | None
        if isinstance(self.error, Failure):
            error = self.error.to_dict()
        else:
            error = self.error

        created_at = self.created_at.isoformat()

        decided_at: None | str
        if isinstance(self.decided_at, datetime.datetime):
            decided_at = self.decided_at.isoformat()
        else:
            decided_at = self.decided_at

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "model": model,
                "version": version,
                "status": status,
                "share": share,
                "run": run,
                "digest": digest,
                "progress": progress,
                "figures": figures,
                "error": error,
                "created_at": created_at,
                "decided_at": decided_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.failure import Failure  # noqa: PLC0415
        from ..models.measuring import Measuring  # noqa: PLC0415
        from ..models.release_out_figures_item import ReleaseOutFiguresItem  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        model = d.pop("model")

        def _parse_version(data: object) -> int | None:
            if data is None:
                return data
            return cast(int | None, data)

        version = _parse_version(d.pop("version"))

        status = check_release_state(d.pop("status"))

        share = d.pop("share")

        def _parse_run(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        run = _parse_run(d.pop("run"))

        def _parse_digest(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        digest = _parse_digest(d.pop("digest"))

        def _parse_progress(data: object) -> Measuring | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                progress_type_0 = Measuring.from_dict(data)

                return progress_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Measuring | None, data)

        progress = _parse_progress(d.pop("progress"))

        figures = []
        _figures = d.pop("figures")
        for figures_item_data in _figures:
            figures_item = ReleaseOutFiguresItem.from_dict(figures_item_data)

            figures.append(figures_item)

        def _parse_error(data: object) -> Failure | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                error_type_0 = Failure.from_dict(data)

                return error_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Failure | None, data)

        error = _parse_error(d.pop("error"))

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        def _parse_decided_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                decided_at_type_0 = datetime.datetime.fromisoformat(data)

                return decided_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        decided_at = _parse_decided_at(d.pop("decided_at"))

        release_out = cls(
            id=id,
            model=model,
            version=version,
            status=status,
            share=share,
            run=run,
            digest=digest,
            progress=progress,
            figures=figures,
            error=error,
            created_at=created_at,
            decided_at=decided_at,
        )

        release_out.additional_properties = d
        return release_out

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
