"""From a source and a new sound to the delivery file: picture writer, mux and verification together."""

import socket
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from media_delivery import FAST, Delivery
from media_samples import VARIABLE, Make, decoded_sound
from waiting import until

from dubbing.domain.media import Box, SyncMode, SyncPlan
from dubbing.errors import DiskFull, EncodeFailed
from dubbing.errors.disk import found_full
from dubbing.media.encode import PictureWriter
from dubbing.media.frames import FrameReader
from dubbing.media.mux import MuxSettings, ReadySound, SoundWriter, mux
from dubbing.media.probe import probe
from dubbing.media.proof import prove
from dubbing.media.read_audio import read_audio
from dubbing.media.read_video import read_video
from dubbing.media.witness.master import MasterCheck


def deliver(
    source: Path, sound: Path, mode: SyncMode = SyncMode.STRICT, settings: MuxSettings | None = None
) -> tuple[Path, MasterCheck]:
    made = Delivery(source, sound, mode, settings or MuxSettings())
    return made.out, prove(made.out, made.record, made.given, ())


def lag(expected: np.ndarray, found: np.ndarray) -> int:
    size = min(len(expected), len(found))
    spectrum = np.fft.rfft(found[:size], 2 * size) * np.conj(np.fft.rfft(expected[:size], 2 * size))
    peak = int(np.argmax(np.fft.irfft(spectrum)))
    return peak if peak < size else peak - 2 * size


TAGS = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709:range=tv"
SOURCES = {
    "plain": ("a.mp4", {}),
    "ntsc": ("a.mkv", {"rate": "24000/1001"}),
    "one frame": ("a.mp4", {"frames": 1}),
    "variable rate": ("a.mkv", {"extra": VARIABLE}),
    "variable rate mp4": ("a.mp4", {"extra": VARIABLE}),
    "odd size": ("a.mkv", {"size": "63x47", "extra": ("-c:v", "ffv1")}),
    "odd height 4:2:2": ("a.mkv", {"size": "64x47", "extra": ("-pix_fmt", "yuv422p")}),
    "ten bits": ("a.mov", {"extra": ("-pix_fmt", "yuv422p10le", "-c:v", "prores_ks")}),
    "anamorphic": ("a.mp4", {"extra": ("-vf", f"setsar=12/11,{TAGS}")}),
    "full range": ("a.mp4", {"extra": ("-pix_fmt", "yuvj420p")}),
    "colour planes": ("a.mkv", {"extra": ("-c:v", "ffv1", "-pix_fmt", "gbrp")}),
    "grey": ("a.mkv", {"extra": ("-c:v", "ffv1", "-pix_fmt", "gray")}),
    "late start": ("a.ts", {}),
    "no time stamps": ("a.avi", {"extra": ("-bf", 0)}),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_the_output_is_the_sources_picture_frame_for_frame(clip: Make, noise: Make, kind: str) -> None:
    name, how = SOURCES[kind]
    words = dict(how)
    source = clip(name, *words.pop("extra", ()), **words)
    video = probe(source).video
    assert video is not None
    sound = noise("s.wav", samples=round(video.duration * 48_000))
    out, check = deliver(source, sound)
    assert check.reading.frames == video.frames
    for before, after in zip(FrameReader(source, video).read(), FrameReader(out, probe(out).video).read(), strict=True):
        assert before.time == after.time
        box = Box(0, 0, *before.size)
        assert np.abs(before.roi_rgb(box) - after.roi_rgb(box)).mean() < (0.03 if "odd" in kind else 0.01)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_phone_video_keeps_its_rotation(clip: Make, make: Make, noise: Make, turn: int) -> None:
    source = make("phone.mp4", "-display_rotation", -turn, "-i", clip("a.mp4"), "-c", "copy")
    out, _ = deliver(source, noise("s.wav"))
    assert probe(out).video.rotation == turn
    assert probe(out).video.display_matrix == probe(source).video.display_matrix


SOUNDS = {
    "s.wav": (),
    "s.flac": ("-ac", 2),
    "s.m4a": ("-c:a", "aac"),
    "alac.m4a": ("-c:a", "alac"),
    "s.mp3": (),
    "s.opus": (),
    "s.aac": (),
    "s51.wav": ("-ac", 6, "-c:a", "pcm_s24le"),
}


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("codec", ["aac", "lossless"])
def test_the_sound_goes_in_full_and_starts_on_its_sample(clip: Make, noise: Make, name: str, codec: str) -> None:
    sound = noise(name, *SOUNDS[name], samples=95_777)
    out, check = deliver(clip("a.mp4"), sound, settings=MuxSettings(sound=codec))
    assert check.reading.samples == probe(sound, "audio").audio.samples
    assert lag(decoded_sound(sound), decoded_sound(out)) == 0


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 96_000, 192_000])
def test_any_sample_rate_is_kept(clip: Make, noise: Make, rate: int) -> None:
    _out, check = deliver(clip("a.mp4"), noise("s.wav", "-ar", rate, samples=2 * rate, rate=rate))
    assert (check.reading.sample_rate, check.reading.samples) == (rate, 2 * rate)


@pytest.mark.parametrize("name", ["s.wav", "s.m4a", "s.mp3"])
def test_cut_off_ends_the_sound_on_the_pictures_last_sample(clip: Make, noise: Make, name: str) -> None:
    sound = noise(name, samples=120_001)
    out, check = deliver(clip("a.mp4"), sound, SyncMode.CUT_OFF)
    assert check.reading.samples == 96_000
    assert lag(decoded_sound(sound)[:96_000], decoded_sound(out)) == 0


def test_silence_fills_the_sound_to_the_pictures_end(clip: Make, noise: Make) -> None:
    sound = noise("s.wav", samples=70_001)
    out, check = deliver(clip("a.mp4"), sound, SyncMode.SILENCE)
    assert check.reading.samples == 96_000
    heard = decoded_sound(out)
    assert lag(decoded_sound(sound), heard) == 0
    assert np.abs(heard[72_000:]).max() < 1e-3
    assert np.abs(heard[60_000:70_000]).max() > 1e-2


def test_lossless_sound_keeps_every_bit(clip: Make, noise: Make) -> None:
    sound = noise("s.wav", samples=96_000)
    out, check = deliver(clip("a.mp4"), sound)
    assert check.sound.exact
    assert np.array_equal(decoded_sound(sound), decoded_sound(out)[:96_000])


def test_the_index_stands_before_the_data(clip: Make, noise: Make) -> None:
    out, _ = deliver(clip("a.mp4"), noise("s.wav"))
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_broken_muxer_is_a_named_error(noise: Make, tmp_path: Path) -> None:
    plan = SyncPlan(mode=SyncMode.STRICT, sample_rate=48_000, keep=96_000)
    for settings in (MuxSettings(), MuxSettings(ffmpeg="/no/such/program")):
        with pytest.raises(EncodeFailed) as raised:
            mux(tmp_path / "none.mp4", ReadySound(noise("s.wav")), tmp_path / "o.mp4", settings, plan)
        assert raised.value.where == {"stage": "mux"}


def encode(writer: PictureWriter, reader: FrameReader) -> None:
    with writer:
        for frame in reader.read():
            writer.write(frame)


def test_a_disk_without_room_is_told_as_that_by_the_muxer_and_by_the_encoder(clip: Make, noise: Make, tmp_path: Path) -> None:
    picture, sound, full = clip("a.mp4"), noise("s.m4a"), tmp_path / "full.mp4"
    full.symlink_to("/dev/full")  # every write finds no room
    plan = SyncPlan(mode=SyncMode.STRICT, sample_rate=48_000, keep=96_000)
    with pytest.raises(DiskFull) as raised:
        mux(picture, ReadySound(sound), full, MuxSettings(), plan)
    assert raised.value.where == {"stage": "worker", "machine": socket.gethostname()}  # whoever is paged goes there
    full.symlink_to("/dev/full")
    video = read_video(picture).media.video
    assert video is not None
    writer = PictureWriter(full, video, FAST)
    with pytest.raises(EncodeFailed) as refused:
        encode(writer, FrameReader(picture, video))
    assert found_full(refused.value)


def sound_track(sound: Path, out: Path, settings: MuxSettings, keep: int = 96_000) -> SoundWriter:
    plan = SyncPlan(mode=SyncMode.STRICT, sample_rate=48_000, keep=keep)
    return SoundWriter(sound, out, info=read_audio(sound).media, plan=plan, settings=settings)


def test_a_sound_that_cannot_be_encoded_is_a_named_error_with_what_ffmpeg_said(noise: Make, tmp_path: Path) -> None:
    sound = noise("s.wav")
    with pytest.raises(EncodeFailed, match="cannot be started"):
        sound_track(sound, tmp_path / "o.mp4", MuxSettings(ffmpeg="/no/such/program"))
    with (
        sound_track(sound, tmp_path / "no" / "folder" / "o.mp4", MuxSettings()) as track,
        pytest.raises(EncodeFailed, match="No such file or directory") as raised,
    ):
        track.ready()
    assert raised.value.where == {"stage": "sound"}


def test_a_sound_that_takes_too_long_is_given_up_and_its_program_ended(noise: Make, tmp_path: Path) -> None:
    script = tmp_path / "slow"
    script.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 600\n")
    script.chmod(0o755)
    with sound_track(noise("s.wav"), tmp_path / "o.mp4", MuxSettings(ffmpeg=str(script), seconds=0.1)) as track:
        pid = until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "the program does not start")
        with pytest.raises(EncodeFailed, match="did not finish"):
            track.ready()
    assert not psutil.pid_exists(int(pid))


def test_a_sound_that_nobody_waits_for_is_ended_with_the_block(noise: Make, tmp_path: Path) -> None:
    script = tmp_path / "slow"
    script.write_text("#!/bin/sh\nexec sleep 600\n")
    script.chmod(0o755)
    began = time.monotonic()
    with pytest.raises(KeyError), sound_track(noise("s.wav"), tmp_path / "o.mp4", MuxSettings(ffmpeg=str(script))):
        raise KeyError
    assert time.monotonic() - began < 60
