import time

import pytest

from dubbing import ids


def test_ids_name_their_kind_and_sort_by_creation() -> None:
    made = []
    for _ in range(3):
        made.append(ids.new_id("job"))
        time.sleep(0.002)
    assert all(name.startswith("job_") and len(name) == 30 for name in made)
    assert made == sorted(made)
    assert len({ids.new_id("ast") for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    ("filename", "key"),
    [
        ("Film.MOV", "assets/ast_1/source.mov"),
        ("../../etc/passwd", "assets/ast_1/source"),
        ("a.b/c", "assets/ast_1/source"),
        ("x.a b", "assets/ast_1/source"),
        ("", "assets/ast_1/source"),
    ],
)
def test_of_a_filename_only_a_plain_suffix_enters_the_key(filename: str, key: str) -> None:
    assert ids.asset_key("ast_1", filename) == key


def test_speech_of_another_method_use_grid_or_encoder_lies_elsewhere() -> None:
    made = {
        ids.speech_prefix("s/", method, used, grid, digest * 64)
        for method in ("s1", "s2")
        for used in ("t1", "t2")
        for grid in ("24-1", "24000-1001")
        for digest in "ab"
    }
    assert len(made) == 16


def test_no_two_organisations_share_a_folder_whatever_they_are_called() -> None:
    names = ["acme", "Acme", "a/b", "a%2Fb", "..", ".", "Studio North", "studio-é"]
    folders = {ids.organisation_scope(name) for name in names}
    assert len(folders) == len(names)
    assert all(folder.count("/") == 2 and ".." not in folder for folder in folders)
