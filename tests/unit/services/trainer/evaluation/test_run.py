"""An evaluation from weights to report, small; what is refused; and the report by itself."""

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from one_process import in_this_process
from places import ROOT
from safetensors.torch import save_file

from dubbing.errors import BadInput
from dubbing.media.probe import probe
from lipforcing import syncnet
from lipforcing.weights.errors import WeightsError
from services.trainer.evaluation import plots
from services.trainer.evaluation.__main__ import main
from services.trainer.evaluation.compare import FIGURES
from services.trainer.evaluation.players import write_player
from services.trainer.evaluation.run import EvaluationPlan, NoModel, repository_of
from services.trainer.evaluation.speakers import HeldOut
from services.trainer.metrics.scorers import SyncNetScorer
from services.trainer.metrics.sync import REACH
from synthetic.splits import Split


class Tags(HTMLParser):
    """The tags of a page, and whether all of them are closed in order."""

    VOID = frozenset({"meta", "br", "path", "rect", "circle", "polyline"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def evaluated(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """What the command returns."""
    monkeypatch.setattr("services.trainer.common.console.configure_logging", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["dubline evaluate", *words])
    with in_this_process():
        return main()


@pytest.mark.slow
def test_the_committed_model_is_measured_beside_itself_and_is_equal_in_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--against", str(ROOT / "model_repo"), "--clips", "2", "--frames", "33", "-o", str(tmp_path))
    assert evaluated(monkeypatch, "tiny", *options) == 0
    facts = json.loads((tmp_path / "report.json").read_text())
    model, incumbent = facts["model"], facts["incumbent"]
    for name in ("figures", "intervals", "controls", "distances", "clips", "offset_within_1"):
        assert model[name] == incumbent[name], f"{name} differ between two runs with one seed"
    assert {row["verdict"] for row in facts["comparison"]} == {"equal"}
    assert model["controls"]["untouched"] == 1.0
    for name in ("r_open", "r_width", "mae_open"):
        assert model["figures"][name] == model["controls"][name], f"{name} is measured in two ways"
    assert model["figures"]["identity"] > 0.5
    assert 0.5 < model["figures"]["ssim_mouth"] < model["figures"]["ssim_face"] < 1
    assert set(model["figures"]) == {*(figure.name for figure in FIGURES), "offset"}
    page = Tags((tmp_path / "report.html").read_text())
    assert not page.open
    films = [str(attributes["src"]).split("#")[0] for tag, attributes in page.seen if tag == "video"]
    assert films == ["players/clip-00.mp4", "players/clip-01.mp4"]
    for film in films:
        media = probe(tmp_path / film)
        assert media.video is not None
        assert (media.video.frames, media.video.width) == (33, 768)
    outside = [value for tag, attributes in page.seen for name, value in attributes.items()
               if name in ("src", "href") and value and value.startswith(("http", "//"))]  # fmt: skip
    assert not outside


def test_a_preset_that_cannot_be_evaluated_is_refused_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluated(monkeypatch, "1.3b", "-o", str(tmp_path)) == 2
    said = capsys.readouterr().err
    assert "Error no_model" in said
    assert "only the preset tiny can" in said


def test_a_repository_without_one_of_its_models_says_which(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "model_repo" / "face_encoder_tiny", tmp_path / "face_encoder_tiny")
    with pytest.raises(NoModel, match="lip_student_tiny, speech_encoder_tiny"):
        repository_of(str(tmp_path), ROOT)
    assert repository_of("tiny", ROOT) == ROOT / "model_repo"


@pytest.mark.parametrize(("clips", "frames"), [(1, 81), (4, 9), (4, 80), (4, 21)])
def test_what_cannot_be_measured_is_refused(clips: int, frames: int) -> None:
    with pytest.raises(BadInput):
        EvaluationPlan(HeldOut(Split.DEV, clips, frames, 1), ROOT).check()


def test_a_syncnet_of_our_own_judges_crops_and_another_file_is_refused(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = syncnet.SyncNet(syncnet.TINY)
    save_file(network.state_dict(), tmp_path / "small.safetensors")
    scorer = SyncNetScorer.of(tmp_path / "small.safetensors")
    rng = np.random.default_rng(0)
    crops, sound = rng.integers(0, 256, (45, 64, 64, 3), np.uint8), rng.integers(-9_000, 9_000, 45 * 640).astype(np.int16)
    score = scorer.score(crops, sound)
    wanted = syncnet.ClipScorer(network).score(torch.from_numpy(crops), torch.from_numpy(sound.astype(np.float32) / 32_768))
    assert scorer.name == "syncnet-tiny"
    assert score is not None
    assert score == pytest.approx((wanted.confidence, wanted.distance, wanted.offset))
    assert abs(score.offset) <= REACH
    save_file({"x": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError):
        SyncNetScorer.of(tmp_path / "other.safetensors")


def test_a_film_shows_all_panels_and_lasts_as_long_as_its_sound(tmp_path: Path) -> None:
    panels = [[np.full((32, 48, 3), shade, np.uint8)] * 10 for shade in (20, 120, 220)]
    write_player(tmp_path / "a" / "film.mp4", panels, np.zeros(6_400, np.int16))
    media = probe(tmp_path / "a" / "film.mp4")
    assert media.video is not None
    assert media.audio is not None
    assert (media.video.frames, media.video.width, media.video.height) == (10, 144, 32)
    assert media.audio.duration == pytest.approx(0.4, abs=0.07)


def test_plots_are_whole_svg_leave_gaps_and_escape_names() -> None:
    drawn = [
        plots.curves({"<made>": [0.1, 0.2, float("nan"), 0.3, 0.1], "true": [0.0] * 5}),
        plots.histogram([0, 0, 1, 40, float("nan")], -15, 15),
        plots.dots({"new": [0.2, 0.9], "old": [0.1, float("nan")]}, 0, 1),
    ]
    for svg in drawn:
        assert not Tags(svg).open
    assert drawn[0].count("<polyline") == 3
    assert "&lt;made&gt;" in drawn[0]
    assert drawn[1].count("<rect") == 3
    assert drawn[2].count("<circle") == 3
