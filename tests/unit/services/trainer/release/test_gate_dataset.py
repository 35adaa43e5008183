"""What candidates are measured on: generated speakers or footage, and what the operator has to name for it."""

from pathlib import Path

import pytest
from held_out_footage import FRAMES, held_out

from dubbing.errors import BadInput, GateDataMissing
from dubbing.settings import S3Settings, TrainerSettings
from lipforcing.weights.digests import sha256_of
from services.trainer.metrics.gate import FOOTAGE_RULES, RULES, SYNC_RULES
from services.trainer.release.gate_dataset import GateDataset, gate_dataset


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return held_out(tmp_path_factory.mktemp("footage") / "set", crop=512)


def of(preset: str, data: str = "", syncnet: Path | None = None) -> GateDataset:
    settings = TrainerSettings(gate_clips=5, gate_frames=FRAMES, gate_data=data, gate_syncnet=syncnet)
    return gate_dataset(preset, settings, S3Settings())


def test_the_small_model_is_measured_on_generated_speakers_whatever_footage_there_is(place: Path) -> None:
    assert of("tiny") == of("tiny", str(place)) == GateDataset(("5", "21"), {"clips": 5, "frames": 21}, RULES)


@pytest.mark.parametrize("preset", ["1.3b", "14b"])
def test_without_footage_a_big_candidate_is_refused_and_the_setting_is_named(preset: str) -> None:
    with pytest.raises(GateDataMissing, match="DUBLINE_TRAINER_GATE_DATA names none") as raised:
        of(preset)
    assert raised.value.code == "gate_data_missing"
    assert raised.value.where["setting"] == "DUBLINE_TRAINER_GATE_DATA"
    assert "dubline data prepare --crop 512" in raised.value.suggestions[0]


def test_figures_are_known_again_only_if_data_clips_and_syncnet_are_the_same(place: Path, tmp_path: Path) -> None:
    (tmp_path / "sync").write_bytes(b"any")
    plain, judged = of("1.3b", str(place)), of("1.3b", str(place), tmp_path / "sync")
    assert plain.arguments == ("5", "21", "--preset", "1.3b", "--data", str(place))
    assert judged.arguments == (*plain.arguments, "--syncnet", str(tmp_path / "sync"))
    assert (plain.rules, judged.rules) == (FOOTAGE_RULES, SYNC_RULES)
    digest = sha256_of(place / "dataset.json")
    assert plain.about == {"clips": 2, "frames": FRAMES, "data": digest, "syncnet": None}
    assert judged.about == {**plain.about, "syncnet": sha256_of(tmp_path / "sync")}


def test_footage_that_will_not_do_names_the_setting(tmp_path: Path) -> None:
    one = held_out(tmp_path / "one", clips=1, crop=512)
    for data, words in ((str(tmp_path), "no data set"), (str(one), "1 clips in the split test"), ("s3://", "names no bucket")):
        with pytest.raises(BadInput, match=words) as raised:
            of("14b", data)
        assert raised.value.where["setting"] == "DUBLINE_TRAINER_GATE_DATA"


def test_a_syncnet_that_is_not_there_names_its_setting(place: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read") as raised:
        of("14b", str(place), tmp_path / "nothing")
    assert raised.value.where["setting"] == "DUBLINE_TRAINER_GATE_SYNCNET"
