"""From nothing to encoders that load, and with a student to all three models, a few steps of each stage."""

import json
from pathlib import Path

import pytest
import torch
from one_process import in_this_process
from places import LANDMARKER, ROOT

from lipforcing.contract import STUDENTS
from lipforcing.serving.loading import load_face_encoder, load_speech_encoder
from lipforcing.weights.folder import load_tensors, read_manifest, split_parts
from services.trainer.encoders.run import SMOKE, EncoderRun
from services.trainer.evaluation.speakers import COMMITTED, HeldOut, judge
from synthetic.splits import Split

TINY = STUDENTS["tiny"]


@pytest.mark.slow
@in_this_process()
def test_encoders_are_made_of_nothing_then_a_decoder_for_a_student_and_all_is_judged_and_resumed_for_free(
    tmp_path: Path,
) -> None:
    work, first, whole, cpu = tmp_path / "work", tmp_path / "first", tmp_path / "whole", torch.device("cpu")
    work.mkdir()
    EncoderRun(SMOKE, work).encoders(first)
    load_speech_encoder(first / TINY.speech_encoder / "1", TINY.speech_encoder, cpu)
    codec = load_face_encoder(first / TINY.face_encoder / "1", TINY.face_encoder, cpu)
    assert not (first / TINY.student).exists()

    before = {path: path.stat().st_mtime_ns for path in work.rglob("*.safetensors")}
    student = ROOT / "model_repo" / TINY.student / "1"
    EncoderRun(SMOKE, work).decoder(student, whole)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    served, learned = (split_parts(load_tensors(folder))["network"] for folder in (whole / TINY.student / "1", student))
    assert all(torch.equal(tensor, served[name]) for name, tensor in learned.items())
    decoders = (load_face_encoder(whole / TINY.face_encoder / "1", TINY.face_encoder, cpu), codec)
    halves = [dict(one.state_dict()) for one in decoders]
    assert {name.split(".")[0] for name in halves[0] if not torch.equal(halves[0][name], halves[1][name])} == {"decoder"}
    source = read_manifest(whole / TINY.student / "1")["source"]
    assert set(source["stages"]) == {"both", "settled", "decoder", "speech", "own"}
    assert source["student"]["recipe"] == read_manifest(student)["source"]["recipe"]
    assert "encoders" not in source["student"]  # it learned with the decoder of before

    metrics = judge(whole, LANDMARKER, work, [HeldOut(Split.TEST, 1, 21, 1)])
    assert metrics["test"]["untouched"] == 1.0
    assert json.loads((whole / TINY.student / "1" / "model.json").read_text())["metrics"] == metrics
    assert [path.name for path in work.glob("*.png")] == ["test-00.png"]
    assert [held.split for held in COMMITTED] == [Split.DEV, Split.TEST]
