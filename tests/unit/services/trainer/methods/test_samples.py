"""What may become a batch, and what a step draws."""

from dataclasses import replace

import pytest
import torch

from lipforcing.mask import generate_mask
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.samples import BadSampleError, EncodedSample, Span, collate


def some(name: str = "one", source: str = "shot 1") -> EncodedSample:
    latents = [torch.randn(16, 6, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in range(3)]
    return EncodedSample(
        name, *latents, torch.randn(21, 5), torch.randn(3, 6), Span(source, 100, 121), Span(source, 0, 81),
        torch.randn(21 * 640),
    )  # fmt: skip


class TestReference:
    """It never shows the target."""

    @pytest.mark.parametrize(("start", "stop"), [(100, 121), (20, 101), (120, 201), (0, 500)])
    def test_frames_of_the_target_in_the_reference_are_refused(self, start: int, stop: int) -> None:
        with pytest.raises(BadSampleError, match="sample one: its reference"):
            collate([replace(some(), reference=Span("shot 1", start, stop))], [0])

    @pytest.mark.parametrize(
        "span", [Span("shot 1", 19, 100), Span("shot 1", 121, 202), Span("shot 1 with another mouth", 100, 121)]
    )
    def test_other_frames_and_other_mouths_are_welcome(self, span: Span) -> None:
        assert len(collate([replace(some(), reference=span)], [0])) == 1

    def test_nothing_of_the_target_reaches_the_conditions(self) -> None:
        one, two = (collate([x], [0]).conditions for x in (some(), replace(some(), target_ZThw=torch.zeros(16, 6, 8, 8))))
        assert torch.equal(one.static_channels(), two.static_channels())


class TestSound:
    """The reward hears what was recorded or says why not."""

    def test_a_missing_waveform_is_an_error_only_where_it_is_needed(self) -> None:
        mute = replace(some(), waveform_S=None)
        assert collate([mute], [0]).waveform_BS is None
        with pytest.raises(BadSampleError, match="needs its waveform"):
            collate([some(), replace(mute, name="two")], [0, 1], sound=True)

    def test_batches_look_alike_whoever_has_a_waveform(self) -> None:
        mixed = [some(), replace(some("two"), waveform_S=None)]
        assert collate(mixed, [0, 1]).waveform_BS is None
        assert collate([some(), some("two")], [0, 1]).waveform_BS is None

    @pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
    def test_half_precision_is_refused(self, dtype: torch.dtype) -> None:
        rough = replace(some(), waveform_S=torch.zeros(21 * 640, dtype=dtype))
        with pytest.raises(BadSampleError, match="needs float32"):
            collate([rough], [0], sound=True)

    def test_it_stays_float32_in_a_bf16_batch(self) -> None:
        batch = collate([some()], [0], torch.bfloat16, sound=True)
        assert batch.waveform_BS is not None
        assert (batch.waveform_BS.dtype, batch.text_BLE.dtype, batch.x0_BZThw.dtype) == (
            torch.float32, torch.bfloat16, torch.float32,
        )  # fmt: skip

    def test_a_sound_that_is_too_short_is_refused_not_filled_up(self) -> None:
        with pytest.raises(BadSampleError, match="13000 samples; 21 frames last 13440"):
            collate([replace(some(), waveform_S=torch.zeros(13_000))], [0], sound=True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"speech_VA": torch.zeros(20, 5)}, "20 frames of speech"),
        ({"masked_ZThw": torch.zeros(16, 3, 8, 8)}, "differ in shape"),
        ({"target_ZThw": torch.full((16, 6, 8, 8), torch.nan)}, "target_ZThw holds values that are no numbers"),
        ({"speech_VA": torch.full((21, 5), torch.inf)}, "speech_VA holds values that are no numbers"),
    ],
)
def test_a_sample_that_cannot_be_trained_on_is_named(change: dict[str, torch.Tensor], words: str) -> None:
    with pytest.raises(BadSampleError, match=words) as caught:
        collate([some(), replace(some("bad"), **change)], [0, 1])
    assert caught.value.name == "bad"


def test_a_batch_without_samples_is_an_error_of_its_own() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        collate([], [])


def test_every_sample_has_the_mask_of_the_contract() -> None:
    channels = collate([some(), some("two")], [0, 1]).conditions.static_channels()
    for row in channels[:, 16]:
        assert torch.equal(row, generate_mask(8).expand(6, 8, 8))


class TestDraws:
    """Pure functions of (seed, step, place, purpose)."""

    def test_a_sample_draws_the_same_in_any_company(self) -> None:
        alone = Draws(1, 5, (3,)).normal(Purpose.NOISE, (2, 2))[0]
        assert torch.equal(alone, Draws(1, 5, (1, 3, 2)).normal(Purpose.NOISE, (2, 2))[1])

    @pytest.mark.parametrize("other", [Draws(2, 5, (3,)), Draws(1, 6, (3,)), Draws(1, 5, (4,))])
    def test_seed_step_and_place_matter(self, other: Draws) -> None:
        assert not torch.equal(Draws(1, 5, (3,)).normal(Purpose.NOISE, (4,)), other.normal(Purpose.NOISE, (4,)))

    def test_purposes_and_parts_share_nothing(self) -> None:
        one = Draws(1, 5, (3,))
        seen = [one.normal(purpose, (4,), part) for purpose in Purpose for part in (0, 1)]
        assert len({tuple(x.flatten().tolist()) for x in seen}) == len(seen)

    def test_samples_that_do_not_decide_together_are_refused(self) -> None:
        with pytest.raises(ValueError, match="not in one group of 4"):
            Draws(1, 1, (3, 4), rng_group=4)


def test_a_large_batch_draws_by_threads_what_its_samples_draw_alone() -> None:
    places = tuple(range(40))
    together = Draws(3, 7, places).normal(Purpose.NOISE, (2, 5), part=1)
    alone = [Draws(3, 7, (place,)).normal(Purpose.NOISE, (2, 5), part=1) for place in places]
    assert torch.equal(together, torch.cat(alone))
