"""What a model takes is known from its shapes, and what does not fit its card is refused with the sum."""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from unittest import mock

import pytest
import torch
from places import ROOT
from recorder import rehearsal
from served_students import CONFIG, random_network, version_folder

from lipforcing.cache import StreamCache
from lipforcing.conditions import Conditions
from lipforcing.presets import PRESETS
from lipforcing.rollout import BlockBatch, Student, eager
from lipforcing.serving.fp8 import quantise_blocks
from lipforcing.serving.loading import load_student
from lipforcing.serving.memory import DoesNotFitError, Need, bytes_of, check_fits, encoder_need, held, peak, student_need
from lipforcing.vae.base import Codec
from lipforcing.vae.taew import Taew
from lipforcing.vae.tiny import TinyCodec
from lipforcing.vae.wan import WanVae

GIB = 2**30
BF16, F16 = torch.bfloat16, torch.float16
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def needs() -> dict[tuple[str, bool], Need]:
    kinds = (("1.3b", False), ("14b", False), ("14b", True))
    return {(size, fp8): student_need(PRESETS[size], BF16, Taew, F16, fp8=fp8) for size, fp8 in kinds}


@pytest.mark.parametrize("fp8", [False, True])
def test_a_real_block_takes_exactly_what_its_shapes_say(fp8: bool) -> None:
    network = random_network()
    network.fuse_qkv()
    student, cache = Student.frozen(network, torch.ones(1, 3, 6)), StreamCache(CONFIG, 1, CPU, BF16)
    if fp8:
        quantise_blocks(network)

    def block() -> None:
        shapes = ((1, 16, 4, 4), (4, 4), (1, 16, 3, 4, 4), (1, 16, 3, 4, 4), (1, 3, 4, 5))
        conditions = Conditions(*(torch.zeros(shape, dtype=BF16) for shape in shapes))
        _, context = eager(student, cache)(BlockBatch([0], [2], conditions, lambda _: torch.zeros(1, 16, 3, 4, 4, dtype=BF16)))
        context()

    need = student_need(CONFIG, BF16, TinyCodec, torch.float32, fp8=fp8)
    assert peak(block).bytes == need.lane
    assert peak(block).operations * 2048 == need.graph
    text = sum(x.nbytes for layer in student.text for x in layer)
    assert need.weights == bytes_of(network) + bytes_of(TinyCodec()) + text


def test_decoding_takes_what_it_takes_on_a_cpu() -> None:
    codec = Taew((8, 8, 8, 8)).eval()
    state, z = codec.decoder_state(), torch.zeros(1, 16, 3, 4, 4)
    with torch.no_grad():
        codec.decode_step(z, state)
    need = student_need(CONFIG, BF16, partial(Taew, (8, 8, 8, 8)), torch.float32)
    assert peak(lambda: codec.decode_step(z, state)).bytes == need.once


@pytest.mark.parametrize("make_codec", [TinyCodec, partial(Taew, (8, 8, 8, 8))])
def test_a_loaded_student_holds_what_its_shapes_say(make_codec: Callable[[], Codec]) -> None:
    network, codec = random_network(), make_codec().eval()
    network.fuse_qkv()
    need = student_need(CONFIG, BF16, make_codec, torch.float32)
    assert held(Student.frozen(network, torch.ones(1, 3, 6)), codec) == Need(weights=need.weights, slot=need.slot)


def test_both_sizes_take_what_the_document_says(needs: dict[tuple[str, bool], Need]) -> None:
    text = (ROOT / "docs" / "results" / "performance.md").read_text()
    for (size, fp8), need in needs.items():
        sizes = (need.weights, need.slot, need.lane, need.graph)
        row = " | ".join(f"{value / GIB:.2f}" for value in sizes)
        fits = " | ".join(str(max(0, need.fitting(int(free * GIB)))) for free in (23, 44.5, 79, 139))
        assert f"| {size}, {'FP8' if fp8 else 'bf16'} | {row} | {need.total(4) / GIB:.1f} | {fits} |" in text


def test_quantised_weights_are_half_as_large_but_pass_through_their_full_size(needs: dict[tuple[str, bool], Need]) -> None:
    wide, narrow = needs["14b", False], needs["14b", True]
    assert narrow.weights < 0.6 * wide.weights
    assert narrow.weights + narrow.loading == wide.weights
    assert narrow.total(1) == wide.weights + GIB


def test_a_model_that_does_not_fit_is_refused_with_the_sum_and_the_slots_that_would(
    needs: dict[tuple[str, bool], Need],
) -> None:
    need, free = needs["14b", False], int(44.5 * GIB)
    with rehearsal(), mock.patch.object(torch.cuda, "mem_get_info", return_value=(free, 48 * GIB)):
        check_fits(need, 3, CPU)
        with pytest.raises(DoesNotFitError) as caught:
            check_fits(need, 4, CPU)
    said = str(caught.value)
    assert "weights 27.04 + 4 slots of 3.17 12.66 + 4 lanes" in said
    assert "and 44.50 GiB are free on a rehearsal: 3 slots would fit" in said
    terms = re.fullmatch(r"(.+) = ([\d.]+) GiB", said.partition(",")[0])
    assert terms is not None
    assert sum(float(term.split()[-1]) for term in terms[1].split(" + ")) == pytest.approx(float(terms[2]), abs=0.04)


def test_a_card_that_holds_no_slot_at_all_is_told_so(needs: dict[tuple[str, bool], Need]) -> None:
    with (
        rehearsal(),
        mock.patch.object(torch.cuda, "mem_get_info", return_value=(20 * GIB, 24 * GIB)),
        pytest.raises(DoesNotFitError, match="choose a larger card"),
    ):
        check_fits(needs["14b", False], 1, CPU)


def test_nothing_is_refused_on_a_cpu(needs: dict[tuple[str, bool], Need]) -> None:
    check_fits(needs["14b", False], 1000, CPU)


def test_a_student_is_refused_before_its_weights_are_moved(tmp_path: Path) -> None:
    folder = version_folder(tmp_path, random_network())
    assert load_student(folder, CPU).need.slot > 0
    small = mock.patch.object(torch.cuda, "mem_get_info", return_value=(GIB // 2, GIB))
    with rehearsal(), small, pytest.raises(DoesNotFitError):
        load_student(folder, CPU, slots=2)


def test_an_encoder_takes_its_weights_and_one_block_of_both_streams() -> None:
    need = encoder_need(WanVae, BF16, 512)
    assert need.weights == pytest.approx(2 * 126_892_531, rel=1e-3)
    assert 1 * GIB < need.once < 8 * GIB
    assert need.total(0) < 7 * GIB
