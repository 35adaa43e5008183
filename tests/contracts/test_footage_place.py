"""What every `Place` of a data set must do, over each implementation."""

from pathlib import Path

import pytest

from dubbing.errors import BadInput, ObjectMissing
from dubbing.ids import new_id
from dubbing.settings import S3Settings
from services.trainer.footage.place import Place, place_at


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.stack)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return place_at(str(tmp_path / "set"), S3Settings())
    settings: S3Settings = request.getfixturevalue("s3_settings")
    return place_at(f"s3://{settings.bucket}/footage/{new_id('tst')}", settings)


def test_what_was_put_comes_back_and_is_listed_in_order(place: Place, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"one")
    place.put_bytes("a/2", b"two")
    place.put_file("a/1", tmp_path / "file")
    place.put_bytes("b/1", b"other")
    assert list(place.names("a/")) == ["a/1", "a/2"]
    assert (place.get_bytes("a/1"), place.get_bytes("a/2")) == (b"one", b"two")
    place.put_bytes("a/2", b"again")
    place.get_file("a/2", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"again"


def test_what_is_not_there_is_missing(place: Place, tmp_path: Path) -> None:
    assert list(place.names("nothing/")) == []
    with pytest.raises(ObjectMissing):
        place.get_bytes("nothing")
    with pytest.raises(ObjectMissing):
        place.get_file("nothing", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_an_address_without_a_bucket_is_refused() -> None:
    with pytest.raises(BadInput):
        place_at("s3:///prefix", S3Settings())
