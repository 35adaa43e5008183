"""Face crops as bytes, without loss: FFV1 (RFC 9043) in Matroska, every frame by itself."""

import io
from collections.abc import Iterable, Iterator

import av
import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from dubbing.errors import TruncatedMedia

Crops = NDArray[np.uint8]


def pack_crops(crops: Iterable[Crops] | Crops, threads: int = 2) -> bytes:
    """Crops [V,n,n,3] uint8 R'G'B' (or an iterable of [n,n,3]) to one file's bytes.

    Args:
        crops: all of one size; at least one.
        threads: encoder threads.

    Raises:
        ValueError: no crop, or sizes differ.
    """
    buffer = io.BytesIO()
    size: tuple[int, ...] | None = None
    # Bit-exact: Matroska's random identifiers would make the same crops other bytes.
    with av.open(buffer, "w", format="matroska", container_options={"fflags": "+bitexact"}) as container:
        # Slices let threads share a frame; level 3 is the version with checksums per slice.
        stream = container.add_stream("ffv1", rate=25, options={"level": "3", "slicecrc": "1", "slices": "4", "g": "1"})
        stream.pix_fmt, stream.codec_context.thread_count = "bgr0", threads
        for crop in crops:
            if size is None:
                size = crop.shape
                stream.height, stream.width = crop.shape[:2]
            if crop.shape != size:
                raise ValueError(f"a crop of shape {crop.shape} among crops of shape {size}")
            container.mux(stream.encode(VideoFrame.from_ndarray(np.ascontiguousarray(crop), "rgb24").reformat(format="bgr0")))
        if size is None:
            raise ValueError("no crops to pack")
        container.mux(stream.encode(None))
    return buffer.getvalue()


def iter_crops(packed: bytes) -> Iterator[Crops]:
    """Crops [n,n,3] uint8 one by one.

    Raises:
        TruncatedMedia: the bytes are damaged.
    """
    try:
        with av.open(io.BytesIO(packed), "r", format="matroska") as container:
            container.streams.video[0].thread_type = "AUTO"
            for frame in container.decode(video=0):
                yield frame.reformat(format="rgb24").to_ndarray().astype(np.uint8, copy=False)
    except av.FFmpegError as error:
        raise TruncatedMedia("The stored face crops are damaged.", where={"stage": "crops"}) from error


def unpack_crops(packed: bytes) -> Crops:
    """All crops [V,n,n,3] uint8."""
    return np.stack(list(iter_crops(packed)))
