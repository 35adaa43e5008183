"""A receipt with everything that one can have, for a job of `platform_results`."""

from fractions import Fraction

from platform_results import FPS, FRAMES

from dubbing.domain.findings import Finding, FindingCode, FrameRange
from dubbing.domain.media import ColourTags, SyncMode, SyncPlan
from dubbing.domain.receipt import Agreement, LanguageScore, Receipt, ShotScore, SyncMeasure, SyncNetScore
from dubbing.domain.witness import Difference, PixelCheck, SoundCheck, Witness, Witnessed
from dubbing.domain.witness import Reading as OneReading

END = Fraction(FRAMES) / FPS
PICTURE = OneReading(by=("PyAV 18.1.0",), tracks=(1,), frames=FRAMES, times_sha256="3" * 64, size=(640, 360), end=END)
SOUND = OneReading(by=("PyAV 18.1.0",), tracks=(1,), samples=480_000, sample_rate=48_000, channels=1, end=END)
OTHER = ("ffmpeg 9.0.2", "MediaInfo 26.05")
BEGINS_LATER = Difference(fact="start of the sound", first="0 s", second="0.001 s", frames=(FrameRange(start=0, end=1),))
AGREE = Agreement(score=0.41, lag_frames=0, significance=0.004)
BEFORE = Agreement(score=0.12, lag_frames=3, significance=0.03)
SYNCNET = SyncNetScore(frames=112, confidence=6.2, distance=7.9, offset_frames=0)
LOST = Finding(code=FindingCode.FACE_LOST, detail="12 frames show no face.", frames=(FrameRange(start=238, end=FRAMES),))


def full(receipt: Receipt) -> Receipt:
    """``receipt`` with plan, readings, scores and a warning."""
    picture = Witness(first=PICTURE, second=PICTURE.model_copy(update={"by": OTHER}))
    sound = Witness(first=SOUND, second=SOUND.model_copy(update={"by": OTHER}), differences=(BEGINS_LATER,))
    witness = Witnessed(
        video=picture,
        audio=sound,
        master=picture,
        pixels=PixelCheck(frames=24, worst=1.0, worst_frame=101),
        sound=SoundCheck(samples=480_000, worst=0.0, exact=True),
    )
    tagged = receipt.input_video.model_copy(update={"colour": ColourTags(primaries="bt709", transfer="bt709", matrix="bt709")})
    return receipt.model_copy(
        update={
            "input_video": tagged,
            "output_video": tagged,
            "plan": SyncPlan(mode=SyncMode.STRICT, sample_rate=48_000, keep=480_000),
            "witness": witness,
            "touched": (FrameRange(start=0, end=238),),
            "score": LanguageScore(
                measure=SyncMeasure.SYNCNET, frames=238, agreement=AGREE, agreement_before=BEFORE, syncnet=SYNCNET
            ),
            "shots": (
                ShotScore(shot=0, start=0, end=FRAMES, touched=True, agreement=AGREE, agreement_before=BEFORE, syncnet=SYNCNET),
            ),
            "timings": {"probing": 0.4, "analyzing": 3.1, "encoding": 1.2, "generating": 9.8, "stitching": 2.6},
            "warnings": (LOST,),
        }
    )
