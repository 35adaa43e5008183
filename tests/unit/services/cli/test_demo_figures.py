"""What the demonstration prints of how mouths and track agree."""

from example_answers import answer

from dubbing.domain.receipt import Agreement, LanguageScore, SyncMeasure, SyncNetScore
from dubline_client.models import JobOut, Receipt
from services.cli.demo import _figures


def printed(score: LanguageScore | None) -> list[str]:
    job = JobOut.from_dict(answer("create_lipsync"))
    measured = score.model_dump(mode="json") if score is not None else None
    return _figures(job, Receipt.from_dict(answer("read_receipt", score=measured)))[1:]


def test_an_agreement_is_told_with_lag_and_chance_and_what_it_is_of() -> None:
    found = Agreement(score=0.628, lag_frames=-2, significance=0.0132)
    said = " ".join(printed(LanguageScore(measure=SyncMeasure.OPENING, frames=58, agreement=found)))
    assert "agrees by 0.63, -2 frames late, by chance in 1.32 % of cases (opening and the new track's loudness)" in said
    assert "the source's mouth agrees no more than by chance" in said


def test_without_syncnet_it_is_said_how_to_get_it_and_no_figure_is_given() -> None:
    syncnet, sound = printed(LanguageScore(measure=SyncMeasure.OPENING, frames=58))
    assert syncnet.startswith("SyncNet        no score: its weights are not served (dubline weights fetch syncnet)")
    assert sound.startswith("mouth, sound   agrees no more than by chance")


def test_with_syncnet_its_figures_come_first() -> None:
    score = SyncNetScore(frames=160, confidence=6.934, distance=7.851, offset_frames=-1)
    syncnet, _ = printed(LanguageScore(measure=SyncMeasure.SYNCNET, frames=58, syncnet=score))
    assert syncnet == "SyncNet        Sync-C 6.93, Sync-D 7.85, offset -1 frames of 25 a second"


def test_a_receipt_of_before_has_nothing_to_tell() -> None:
    assert printed(None) == []
