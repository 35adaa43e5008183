"""Cutting tracks into chunks: what is generated as one sequence."""

from collections.abc import Iterable, Iterator

from dubbing.domain.faces import Chunk, FaceTrack
from lipforcing.contract import BLOCK_FRAMES, FIRST_BLOCK_FRAMES, blocks_for


def plan_chunks(tracks: Iterable[FaceTrack], max_blocks: int, beside: int = 1) -> list[Chunk]:
    """Covers every frame of every track by exactly one chunk's kept frames.

    A track's first chunk starts with it, where the student's state may start empty. A further chunk starts one block early:
    its first `FIRST_BLOCK_FRAMES` frames repeat the end of the chunk before, warm the state up, and are dropped. A chunk
    whose length is no whole number of blocks is filled up by whoever feeds it, by repeating its last frame.

    A track's chunks are as few as the limit allows and equally long to within a block. When there are several, their number
    is a multiple of ``beside``: of three chunks that are generated two at a time the last would leave half the machine idle.

    Args:
        tracks: in the order in which they are to be generated.
        max_blocks: blocks per chunk, at least 2.
        beside: sequences that are generated at the same time.

    Raises:
        ValueError: ``max_blocks`` is below 2, which leaves no frame to keep after a pre-roll.
    """
    if max_blocks < 2:
        raise ValueError(f"a chunk needs at least 2 blocks, not {max_blocks}")
    spans = ((track, *span) for track in tracks for span in _spans(track, max_blocks, beside))
    return [
        Chunk(index=index, track=track.index, shot=track.shot, start=start, keep_from=keep_from, end=end)
        for index, (track, start, keep_from, end) in enumerate(spans)
    ]


def _spans(track: FaceTrack, max_blocks: int, beside: int) -> Iterator[tuple[int, int, int]]:
    """Start, first kept frame and end of each chunk."""
    further = blocks_for(len(track)) - 1  # every chunk keeps all but its first block; the first keeps that too
    count = max(1, -(-further // (max_blocks - 1)))
    if count > 1:
        count = min(-(-count // beside) * beside, further)
    start = keep_from = track.start
    for number in range(count):
        blocks = further * (number + 1) // count
        end = min(track.start + FIRST_BLOCK_FRAMES + BLOCK_FRAMES * blocks, track.end)
        yield start, keep_from, end
        start, keep_from = end - FIRST_BLOCK_FRAMES, end
