"""Who owns which slot of the K/V cache, and which block each owner may send next.

A slot belongs to one attempt at one chunk, named by the client's sequence id and a nonce that it draws for the attempt. A
block is admitted only when sequence, nonce, seed, chunk and block number are exactly the expected ones, so no state can
cross between jobs however requests are delayed, repeated or mixed up.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from torch import Tensor

from lipforcing.serving.errors import StaleBlockError, UnavailableError
from lipforcing.serving.noise_prefetch import Draws
from lipforcing.vae.base import CodecState


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a block says about itself.

    Attributes:
        sequence: id of the sequence.
        nonce: of this attempt at the chunk.
        seed: of the job.
        chunk: number of the chunk in the job.
        block: number of the block in the chunk.
        start: it opens the sequence.
        end: it is the last of the sequence.
    """

    sequence: int
    nonce: int
    seed: int
    chunk: int
    block: int
    start: bool
    end: bool


@dataclass(slots=True)
class Slot:
    """One sequence in progress.

    Attributes:
        index: place in the cache.
        ticket: of the block that is expected next (``start`` and ``end`` play no part).
        decoder: the codec's memory.
        identity_Zhw: latent 0 of the chunk's unmasked footage.
        used: time of the last block.
        noise: of the block that is expected next, being drawn; None before the first.
    """

    index: int
    ticket: Ticket
    decoder: CodecState
    identity_Zhw: Tensor
    used: float
    noise: Draws | None = None


class SlotTable:
    """S slots.

    Args:
        slots: S.
        idle: seconds without a block after which a slot is taken back.
        clear: zeroes the K/V of a slot.
        clock: monotonic seconds, of those that count.
        gated: a server in front admits at most S sequences and may forget one without a word, as Triton does when a block
            is cancelled while it waits there. A new sequence then means that an old one is gone: the longest silent.
    """

    def __init__(
        self, slots: int, idle: float, clear: Callable[[int], None], clock: Callable[[], float], *, gated: bool = False
    ) -> None:
        self._gated = gated
        self._free = list(range(slots))
        self._owned: dict[int, Slot] = {}
        self._idle, self._clear, self._clock = idle, clear, clock

    def __len__(self) -> int:
        """Slots in use."""
        return len(self._owned)

    @property
    def free(self) -> int:
        """Slots that nobody holds."""
        return len(self._free)

    def check(self, ticket: Ticket) -> Slot | None:
        """The slot of a block that continues a sequence; None for one that opens it.

        Raises:
            StaleBlockError: it is not the block that is expected.
        """
        slot = self._owned.get(ticket.sequence)
        if ticket.start:
            if ticket.block != 0:
                raise StaleBlockError(f"a sequence starts with block 0, not {ticket.block}")
            if slot is not None and slot.ticket.nonce == ticket.nonce:
                raise StaleBlockError(f"sequence {ticket.sequence} has started already with this nonce")
            return None
        if slot is None:
            raise StaleBlockError(f"sequence {ticket.sequence} is not open: never started, ended, failed or timed out")
        expected = slot.ticket
        for name in ("nonce", "seed", "chunk", "block"):
            if (got := getattr(ticket, name)) != (want := getattr(expected, name)):
                raise StaleBlockError(f"sequence {ticket.sequence} expects {name} {want}, not {got}")
        return slot

    def open(self, ticket: Ticket, identity_Zhw: Tensor, decoder: CodecState) -> Slot:
        """Give a zeroed slot to a new sequence; a sequence of the same id with another nonce is ended.

        Raises:
            UnavailableError: every slot is in use, and nobody in front has counted.
        """
        self.close(ticket.sequence)
        self.reclaim()
        if not self._free and self._gated:
            self.close(next(iter(self._owned)))
        if not self._free:
            raise UnavailableError(f"all {len(self._owned)} slots are in use")
        # Lowest first: neighbouring slots share one attention call.
        index = min(self._free)
        self._free.remove(index)
        self._clear(index)
        slot = Slot(index, ticket, decoder, identity_Zhw, self._clock())
        self._owned[ticket.sequence] = slot
        return slot

    def close(self, sequence: int) -> None:
        """Free the slot of a sequence, if it has one."""
        if slot := self._owned.pop(sequence, None):
            self._free.append(slot.index)

    def drop(self, sequence: int, nonce: int) -> None:
        """Free the slot of a sequence, if the attempt with this nonce has it."""
        slot = self._owned.get(sequence)
        if slot is not None and slot.ticket.nonce == nonce:
            self.close(sequence)

    def holds(self, slot: Slot) -> bool:
        """Whether the slot still belongs to the sequence that it was opened for."""
        return self._owned.get(slot.ticket.sequence) is slot

    def advance(self, slot: Slot) -> None:
        """Expect the next block."""
        slot.ticket = replace(slot.ticket, block=slot.ticket.block + 1)
        self.touch(slot)

    def touch(self, slot: Slot) -> None:
        """Its client was heard or answered. Slots keep this order, the longest silent first: the clock may stand still."""
        slot.used = self._clock()
        if self.holds(slot):
            self._owned[slot.ticket.sequence] = self._owned.pop(slot.ticket.sequence)

    def reclaim(self) -> None:
        """Take back the slots whose clients have gone silent."""
        for sequence in list(self._silent()):
            self.close(sequence)

    def _silent(self) -> Iterator[int]:
        limit = self._clock() - self._idle
        return (sequence for sequence, slot in self._owned.items() if slot.used < limit)
