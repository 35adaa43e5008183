"""Which folders of the trainer's machine a setting of a run may name."""

from dataclasses import replace
from pathlib import Path

import pytest
from method_runs import ALONE, MODELS

from dubbing.errors import InvalidSetting, PlaceNotAllowed
from dubbing.settings import S3Settings
from services.trainer.common.site import Site
from services.trainer.methods.places import file_of, folder_of, place_of

WAYS = (place_of, folder_of, file_of)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A folder is opened by a link to where it really lies; those beside it are not, and links in it lead out of it."""
    for name in ("disk/open/set", "disk/opened", "closed"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_text(name)
    (tmp_path / "open").symlink_to(tmp_path / "disk" / "open")
    (tmp_path / "open" / "link").symlink_to(tmp_path / "closed")
    (tmp_path / "open" / "file-link").symlink_to(tmp_path / "closed" / "file")
    (tmp_path / "alias").symlink_to(tmp_path / "open" / "set")
    return Site(tmp_path / "cache", ALONE, MODELS, places=(tmp_path / "elsewhere", tmp_path / "open"))


@pytest.mark.parametrize("named", ["open/set", "open", "open/link/../open/set", "open/./set/../set", "alias", "disk/open/set"])
def test_what_lies_in_an_opened_folder_is_where_it_really_lies(site: Site, tmp_path: Path, named: str) -> None:
    (tmp_path / "closed" / "open").symlink_to(tmp_path / "open")
    found = folder_of(site, "start", str(tmp_path / named), "file")
    assert found == (tmp_path / named).resolve()
    assert found.is_relative_to(tmp_path / "disk" / "open")
    assert file_of(site, "syncnet", str(tmp_path / "open" / "set" / "file")).read_text() == "disk/open/set"
    assert place_of(site, "data", str(tmp_path / "open" / "set")).get_bytes("file") == b"disk/open/set"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "named",
    ["closed", "open/../closed", "open/link", "open/link/file", "open/file-link", "open/link/..", "disk/opened", "", "no"],
)
def test_what_leads_out_of_it_is_refused_whether_it_exists_or_not(site: Site, tmp_path: Path, named: str, way: object) -> None:
    with pytest.raises(PlaceNotAllowed, match="no folder that the trainer's operator has opened") as raised:
        way(site, "data", str(tmp_path / named))  # type: ignore[operator]
    assert raised.value.where == {"pointer": "/settings/data"}
    assert raised.value.suggestions[0] == f"name something in {tmp_path / 'elsewhere'}, {tmp_path / 'open'}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    "named", ["relative", "../../etc", "/", "~", "run_x", "s3:/bucket", "S3://bucket/x", "file:///etc/passwd"]
)
def test_where_nothing_is_opened_no_path_is_read(site: Site, named: str, way: object) -> None:
    closed = Site(site.cache, ALONE, MODELS)
    with pytest.raises(PlaceNotAllowed) as raised:
        way(closed, "start", named)  # type: ignore[operator]
    assert "s3://bucket/prefix" in raised.value.suggestions[0]
    assert "DUBLINE_TRAINER_PLACES" in raised.value.suggestions[1]


@pytest.mark.parametrize(("named", "words"), [("s3://", "names no bucket"), ("s3://file", "names no bucket")])
def test_a_file_in_the_object_store_needs_a_bucket_and_a_store(site: Site, named: str, words: str) -> None:
    for store, said in ((S3Settings(), words), (None, "no object store")):
        with pytest.raises(InvalidSetting, match=said) as raised:
            file_of(replace(site, s3=store), "syncnet", named)
        assert raised.value.where == {"pointer": "/settings/syncnet"}
