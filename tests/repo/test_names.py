"""Names are the field's: a class name stands once, and the words that were ours alone do not come back."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest
from places import PYTHON_CLIENT, ROOT

CLASSES = ("services", "shared", "studies")
WORDS = ("services", "shared", "studies", "benchmarks")
# Where the words of `GONE_IN_TRAINING` are gone too.
TRAINING = ("services/trainer", "shared/synthetic", "studies")
TRAINERS_TESTS = ("tests/unit/services/trainer/", "tests/integration/core/test_training_", "tests/integration/test_training_")

# Each word that is gone, and what the field says instead.
GONE = {
    "ahead": "prefetch",
    "side_by_side": "parallel_map",
    "deaf": "without_audio",
    "give_back": "trim_heap",
    "told": "finding, event, callback",
    "wish": "request",
    "shelf": "cache",
    "desk": "client",
    "look": "appearance, poll",
    "looks": "appearance",
    "looked": "observed",
    "glance": "preview_crop",
    "untouched": "skipped",
    "alone": "isolated",
    "carriage": "sound_codec",
    "carrier": "wheel",
    "carriers": "wheels",
    "promise": "declared",
    "promised": "declared",
    "patience": "timeout, watchdog",
    "patient": "timeout, watchdog",
    "spare": "bypass",
    "spared": "bypassed, uncounted",
    "spares": "is_uncounted",
    "steadied": "stabilised",
    "paced": "throttled",
    "life": "liveness",
    "leisure": "clock",
    "tenant": "organisation",
}

# Of these, those that tests do not use either; a test's own name is a sentence.
GONE_FROM_TESTS = ("told", "shelf", "desk")
# What training has proper words for; elsewhere they may be the plainest ones.
GONE_IN_TRAINING = {
    "heard": "speech, waveform, features",
    "kept": "accepted, stored, cached; of weights: ema",
    "made": "generated (pictures), trained (networks), predicted",
    "brought": "adopted",
    "starts": "init_from",
    "material": "dataset",
    "placing": "parallelize",
    "yardstick": "gate_dataset",
    "falls": "lr_decay",
    "average": "ema",
    "together": "rng_group",
    "ratio": "student_update_freq",
    "Null": "NullConditions",
}

# Names that others wrote down: environment variables, tables, the API.
PUBLIC = {
    ("shared/dubbing/settings/__init__.py", "life"),  # DUBLINE_QUEUE_LIFE
}


def modules(*folders: str) -> Iterator[Path]:
    for folder in folders:
        files = sorted((ROOT / folder).rglob("*.py"))
        # What is generated has the API's names, each a second time.
        yield from (path.relative_to(ROOT) for path in files if not path.is_relative_to(PYTHON_CLIENT))


def class_names(source: str) -> list[str]:
    return [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]


def given_names(source: str) -> Iterator[str]:
    """Every name that the source gives to something; a name that it only uses was given elsewhere."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.alias(asname=str(name)):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.ExceptHandler(name=str(name)):
                yield name


def gone_in(name: str, gone: Mapping[str, str] = GONE) -> list[str]:
    """The words of ``gone`` that are whole parts of a name, however it joins them."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().strip("_")
    return [word for word in gone if f"_{word}_" in f"_{words}_" or word == name]


def test_every_class_name_stands_once() -> None:
    places = defaultdict(list)
    for path in modules(*CLASSES):
        for name in class_names((ROOT / path).read_text(encoding="utf-8")):
            places[name].append(str(path))
    assert len(places) > 500  # they are found at all
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def names_with(gone: Mapping[str, str], paths: Iterable[Path]) -> list[str]:
    """Names in these modules that hold a word that is gone, with what to say instead."""
    found = []
    for path in paths:
        names = {*given_names((ROOT / path).read_text(encoding="utf-8")), path.stem}
        found += [
            f"{path}: {name} (say {gone[word]})"
            for name in sorted(names)
            if (str(path), name) not in PUBLIC
            for word in gone_in(name, gone)
        ]
    return found


def test_no_name_holds_a_word_that_is_gone() -> None:
    assert names_with(GONE, modules(*WORDS)) == []


def test_no_name_of_training_holds_a_word_that_has_a_proper_one() -> None:
    assert names_with(GONE_IN_TRAINING, modules(*TRAINING)) == []


def test_no_name_in_the_tests_holds_one_that_is_gone_from_them() -> None:
    found = []
    for path in modules("tests"):
        source = (ROOT / path).read_text(encoding="utf-8")
        if str(path).startswith(TRAINERS_TESTS) or not re.search("|".join(GONE_FROM_TESTS), source, re.IGNORECASE):
            continue
        names = {name for name in given_names(source) if not name.startswith("test_")}
        found += [f"{path}: {name}" for name in {*names, path.stem} if set(gone_in(name)) & set(GONE_FROM_TESTS)]
    assert found == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def ahead(): ...", ["ahead"]),
        ("def f(*, told=None): ...", ["told"]),
        ("class NoiseAhead: ...", ["ahead"]),
        ("_LOOK_EVERY = 1", ["look"]),
        ("self._spared = 1", ["spared"]),
        ("import x as shelf", ["shelf"]),
        ("for deaf in x: ...", ["deaf"]),
        ("def run_side_by_side(): ...", ["side_by_side"]),
        ("outlook = headset = lookup = 1", []),
        ("print(x.told())", []),  # somebody else's name
    ],
)
def test_a_gone_word_is_seen_wherever_a_name_is_given(source: str, words: list[str]) -> None:
    assert [word for name in given_names(source) for word in gone_in(name)] == words
