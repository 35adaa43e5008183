"""What every `ObjectStore` must do, over each implementation."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from dubbing.errors import BadParts, ObjectMissing, StoreUnavailable
from dubbing.ids import new_id
from dubbing.settings import S3Settings
from dubbing.storage.s3 import S3Store
from dubbing.storage.store import ObjectStore

pytestmark = pytest.mark.stack
PART = 5 << 20  # the smallest that S3 takes for all but the last


@pytest.fixture(params=["s3"])
def store(request: pytest.FixtureRequest, s3_settings: S3Settings) -> ObjectStore:
    stores = {"s3": lambda: S3Store(s3_settings)}
    found: ObjectStore = stores[request.param]()
    found.ensure_bucket()
    return found


@pytest.fixture
def prefix(store: ObjectStore) -> Iterator[str]:
    prefix = f"contract/{new_id('tst')}/"
    yield prefix
    store.delete_prefix(prefix)


def test_bytes_come_back_with_their_size_and_digest(store: ObjectStore, prefix: str) -> None:
    data = b"some bytes \x00\xff"
    stored = store.put_bytes(prefix + "a", data)
    assert stored == (prefix + "a", len(data), hashlib.sha256(data).hexdigest())
    assert store.get_bytes(prefix + "a") == data
    assert store.size(prefix + "a") == len(data)


def test_an_empty_object_is_an_object(store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "empty", b"")
    assert (store.get_bytes(prefix + "empty"), store.size(prefix + "empty")) == (b"", 0)


def test_a_repeat_replaces(store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "a", b"one")
    store.put_bytes(prefix + "a", b"three")
    assert store.get_bytes(prefix + "a") == b"three"


def test_a_file_larger_than_one_part_comes_back_whole(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(os.urandom(1 << 20) * 33)
    up = store.put_file(prefix + "big", tmp_path / "up")
    down = store.get_file(prefix + "big", tmp_path / "down")
    assert up == down
    assert down.sha256 == hashlib.sha256((tmp_path / "up").read_bytes()).hexdigest()
    assert sum(map(len, store.read(prefix + "big"))) == down.size


def test_a_download_that_fails_leaves_no_file(store: ObjectStore, prefix: str, tmp_path: Path) -> None:
    with pytest.raises(ObjectMissing):
        store.get_file(prefix + "nothing", tmp_path / "down")
    assert not list(tmp_path.iterdir())


def test_what_is_not_there_is_missing(store: ObjectStore, prefix: str) -> None:
    assert store.size(prefix + "nothing") is None
    with pytest.raises(ObjectMissing):
        store.get_bytes(prefix + "nothing")


def test_keys_are_listed_and_deleted_by_prefix_and_no_further(store: ObjectStore, prefix: str) -> None:
    for name in ("a/1", "a/2", "b/1"):
        store.put_bytes(prefix + name, b"x")
    assert sorted(store.list_keys(prefix + "a/")) == [prefix + "a/1", prefix + "a/2"]
    assert store.delete_prefix(prefix + "a/") == 2
    assert list(store.list_keys(prefix)) == [prefix + "b/1"]
    assert store.delete_prefix(prefix + "a/") == 0
    with pytest.raises(ValueError, match="slash"):
        store.delete_prefix(prefix + "b")


def test_parts_make_one_object_in_the_order_of_their_numbers(store: ObjectStore, prefix: str) -> None:
    key = prefix + "parts"
    upload = store.start_upload(key)
    parts = {2: b"b" * 100, 1: b"a" * PART}
    for number, data in parts.items():
        httpx.put(store.part_url(key, upload, number, 60), content=data).raise_for_status()
    arrived = store.list_parts(key, upload)
    assert [(part.number, part.size) for part in arrived] == [(1, PART), (2, 100)]
    store.finish_upload(key, upload, [(part.number, part.etag) for part in arrived])
    assert store.get_bytes(key) == parts[1] + parts[2]


def test_parts_that_did_not_arrive_are_refused(store: ObjectStore, prefix: str) -> None:
    upload = store.start_upload(prefix + "parts")
    with pytest.raises(BadParts):
        store.finish_upload(prefix + "parts", upload, [(1, '"0123456789abcdef0123456789abcdef"')])
    store.abort_upload(prefix + "parts", upload)


def test_an_aborted_upload_leaves_nothing_and_may_be_aborted_again(store: ObjectStore, prefix: str) -> None:
    upload = store.start_upload(prefix + "parts")
    httpx.put(store.part_url(prefix + "parts", upload, 1, 60), content=b"x").raise_for_status()
    store.abort_upload(prefix + "parts", upload)
    store.abort_upload(prefix + "parts", upload)
    assert store.list_parts(prefix + "parts", upload) == []
    assert store.size(prefix + "parts") is None


def test_a_presigned_link_gives_the_object_under_the_asked_name(store: ObjectStore, prefix: str) -> None:
    store.put_bytes(prefix + "film", b"film")
    answer = httpx.get(store.url(prefix + "film", 60, filename="Straße 1.mp4"))
    assert answer.content == b"film"
    assert "Stra%C3%9Fe%201.mp4" in answer.headers["Content-Disposition"]


def test_a_store_that_does_not_answer_is_unavailable(s3_settings: S3Settings) -> None:
    nobody = S3Store(s3_settings.model_copy(update={"endpoint": "http://127.0.0.1:9"}))
    with pytest.raises(StoreUnavailable):
        nobody.check()
