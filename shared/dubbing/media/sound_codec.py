"""In which codec a sound is delivered: channel for channel and without filtering, wherever the delivery MP4 can say so.

What each codec can say inside MP4 was tried with the ffmpeg program, PyAV and MediaInfo as readers (tests repeat it):

* FLAC (RFC 9639) has one layout for each number of channels, and plays in browsers.
* ALAC has others of its own.
* PCM (ISO/IEC 23003-5) names any layout in its ``chnl`` box and takes 32-bit and floating-point samples; few players know it.
"""

from dataclasses import dataclass
from typing import Literal

from dubbing.domain.findings import Finding, FindingCode
from dubbing.domain.media import AudioInfo

_FLAC = {"mono", "stereo", "3.0", "quad", "5.0(side)", "5.1(side)", "6.1", "7.1"}
_ALAC = {"4.0", "5.0", "5.1", "6.1(back)", "7.1(wide)"}
_AAC = {"mono", "stereo", "3.0", "4.0", "5.0"}  # beyond these, and in the low-frequency channel, AAC filters
_AAC_RATES = {96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000}
_FLAC_RATE = 655_350
_UNNAMED = {3: "3.0", 4: "quad", 5: "5.0(side)", 6: "5.1(side)", 7: "6.1", 8: "7.1"}
_BITS = 24


@dataclass(frozen=True)
class SoundCodec:
    """How samples travel to the encoder and into the file.

    Attributes:
        codec: ffmpeg's name of the encoder.
        raw: ffmpeg's name of the raw samples that it is fed: ``s16le``, ``s32le`` or ``f32le``.
        layout: ffmpeg's name of the layout that is written.
        options: the encoder's.
        exact: True when every sample comes back as it was given.
    """

    codec: str
    raw: Literal["s16le", "s32le", "f32le"]
    layout: str
    options: tuple[tuple[str, str], ...] = ()
    exact: bool = True


def choose_sound_codec(info: AudioInfo, wanted: Literal["lossless", "aac"], bits_per_channel: int) -> SoundCodec:
    """The codec for a sound.

    Args:
        info: its facts.
        wanted: ``lossless`` keeps every sample; ``aac`` is smaller and plays everywhere, where it knows layout and rate.
        bits_per_channel: AAC's bit rate for one channel.
    """
    layout = info.layout or _UNNAMED.get(info.channels, "mono")
    raw: Literal["s16le", "s32le", "f32le"] = "f32le" if info.floating else "s16le" if info.bits <= 16 else "s32le"
    if info.peak > 1:  # above full scale: only floating point holds it
        return SoundCodec("pcm_f32le", "f32le", layout)
    if wanted == "aac" and info.layout in _AAC and info.sample_rate in _AAC_RATES:
        return SoundCodec("aac", raw, layout, (("b:a", str(bits_per_channel * info.channels)),), exact=False)
    whole = info.bits <= _BITS and not info.floating
    fits = whole or info.floating
    if fits and layout in _FLAC and info.sample_rate <= _FLAC_RATE:
        return SoundCodec("flac", raw, layout, _sized(raw, "s16", "s32"), exact=whole)
    if fits and layout in _ALAC:
        return SoundCodec("alac", raw, layout, _sized(raw, "s16p", "s32p"), exact=whole)
    if raw == "f32le":
        return SoundCodec("pcm_f32le", raw, layout)
    return SoundCodec("pcm_s16le" if raw == "s16le" else "pcm_s32le", raw, layout)


def sound_codec_findings(info: AudioInfo, made: SoundCodec) -> tuple[Finding, ...]:
    """What a codec loses of a sound."""
    findings = []
    if made.codec == "aac":
        findings.append((FindingCode.SOUND_LOSSY, "The sound was coded as AAC, which is lossy."))
    elif not made.exact and info.lossless:
        findings.append(
            (
                FindingCode.SOUND_DEPTH_REDUCED,
                f"The sound has {info.bits}-bit floating-point samples; the master has {_BITS} bits.",
            )
        )
    if info.layout is not None and info.layout != made.layout:
        findings.append((FindingCode.LAYOUT_CHANGED, f"The sound is laid out as {info.layout}; the master says {made.layout}."))
    return tuple(Finding(code=code, detail=detail) for code, detail in findings)


def _sized(raw: str, small: str, large: str) -> tuple[tuple[str, str], ...]:
    if raw == "s16le":
        return (("sample_fmt", small),)
    return (("sample_fmt", large), ("bits_per_raw_sample", str(_BITS)))
