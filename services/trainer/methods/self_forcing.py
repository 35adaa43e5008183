"""Stage 2: Self-Forcing with sync-window distribution matching, and the reward.

The student generates clips block by block as it will in use (``lipforcing.rollout``). A critic learns what the student's
clips look like; the student moves them from where the critic sees them to where the teacher sees them. The teacher is guided
inside the sync window only.

Choices:
- All blocks of a rollout leave the loop after the same denoising step, drawn per group of samples. Only that step's call
  carries gradient, and none crosses into an earlier block.
- A step that updates the student first rolls out without gradient, for the critic and for the rewards of the whole step, then
  again with gradient on the same numbers: two rollouts, as published, but the weights know every sample of the step.
- The student sees the critic of before the step, as published. Both are clipped and guarded alike.
- Losses and the normaliser of distribution matching look at the mouth; the rest of the crop is pasted over (``places``).

Legend: B samples, Z latent channels, T latent frames, h/w latent side, L text tokens, E text width.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from lipforcing.cache import StreamCache
from lipforcing.contract import LATENTS_PER_BLOCK
from lipforcing.network import LipNetwork
from lipforcing.rollout import Student, clip_batches, eager, rollout
from lipforcing.schedule import add_noise
from services.trainer.common.losses import critic_loss, vsd_direction, vsd_loss
from services.trainer.common.update import UpdatePlan, Updater
from services.trainer.methods.draws import Draws, Purpose
from services.trainer.methods.guidance import Guidance
from services.trainer.methods.networks import CellWeights, predict_x0
from services.trainer.methods.reward import Reward, Weighting, over_ranks
from services.trainer.methods.samples import Clips
from services.trainer.methods.teacher import Teacher
from services.trainer.methods.training import Figures, marked_last, sync_gradients

_DRAWS_PER_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Stage2:
    """How the student is distilled.

    Attributes:
        student: optimiser of the student.
        critic: optimiser of the critic; of equal rate, and the two should have equally many trainable parameters.
        student_update_freq: steps of which the last also updates the student; the critic learns in each.
        guidance: of the teacher.
        places: weights of mouth and rest in every loss.
        weighting: of the samples by their reward; None rewards nothing.
    """

    student: UpdatePlan
    critic: UpdatePlan
    guidance: Guidance
    student_update_freq: int = 5
    places: CellWeights = field(default=CellWeights(outside=0.05))
    weighting: Weighting | None = None


@dataclass(frozen=True, slots=True)
class ExitAt:
    """All blocks leave the loop after one step, which alone may carry gradient (``lipforcing.rollout.Policy``)."""

    step: int
    gradient: bool

    def exit_step(self, blocks: Sequence[int]) -> int:
        """See ``Policy``."""
        del blocks
        return self.step

    def differentiable(self, blocks: Sequence[int], step: int) -> bool:
        """See ``Policy``."""
        del blocks
        # The other calls run without a graph, or memory would grow with the steps.
        return self.gradient and step == self.step


def self_rollout(network: LipNetwork, clips: Clips, draws: Draws, *, gradient: bool) -> Tensor:
    """Clips that the student generates on its own past, [B, Z, T, h, w] in the type of the targets.

    Of the clips conditions and shape are looked at, never the targets. The same draws give the same exit step and clips with
    and without gradient, which at most one call of each block carries.
    """
    # Shared by the group: ranks that left the loop at different steps would wait for each other's collectives.
    exit_step = draws.choice(Purpose.EXIT, len(network.config.t_list) - 1)
    # [Z, 3, h, w] of one block.
    shape = (clips.x0_BZThw.shape[1], LATENTS_PER_BLOCK, *clips.x0_BZThw.shape[3:])

    def noise(block: int, draw: int) -> Tensor:
        # [B, Z, 3, h, w]; draw 0 is what a block begins with, the others noise it again between its steps.
        return draws.normal(Purpose.ROLLOUT, shape, block * _DRAWS_PER_BLOCK + draw).to(clips.x0_BZThw)

    # Prompt and timesteps are embedded anew in every call, so that their layers get gradient.
    student = Student.trained(network, clips.text_BLE)  # text [B, L, E]
    # Keys and values of the window's past blocks; they carry no gradient into those blocks.
    cache = StreamCache(network.config, len(clips), clips.x0_BZThw.device, _attended(clips.conditions.masked_BZThw))
    # Self Forcing, section 3.2: a random number of steps for each rollout, gradient through the last alone.
    policy = ExitAt(exit_step, gradient)
    blocks = list(rollout(eager(student, cache, policy), clip_batches(clips.conditions, noise)))
    # K blocks of [B, Z, 3, h, w] -> [B, Z, T, h, w].
    return torch.cat(blocks, dim=2).to(clips.x0_BZThw.dtype)


def _attended(like: Tensor) -> torch.dtype:
    """The type in which attention computes: keys and values need no other."""
    device = like.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else like.dtype


class SelfForcing:
    """The method; see the module's head. Student (causal) and critic (bidirectional) are trained, the teacher is frozen.

    Raises:
        ValueError: a reward without a weighting or the reverse; a teacher that would be trained.
    """

    def __init__(
        self, student: LipNetwork, critic: LipNetwork, teacher: Teacher, stage: Stage2, *,
        seed: int, reward: Reward | None = None, rng_group: int = 1 << 30,
    ) -> None:  # fmt: skip
        if (reward is None) != (stage.weighting is None):
            raise ValueError("a stage that weights by reward needs one, and a reward needs a weighting")
        if any(parameter.requires_grad for parameter in teacher.network.parameters()):
            raise ValueError("the teacher is not frozen")
        self._student, self._critic, self._teacher = student, critic, teacher
        self._stage, self._seed, self._reward, self._rng_group = stage, seed, reward, rng_group
        self.student_update = Updater("student", student, stage.student)
        self.critic_update = Updater("critic", critic, stage.critic)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """See ``Method``."""
        return {"student": self._student, "critic": self._critic}

    def step(self, number: int, micro_batches: Sequence[Clips]) -> Figures:
        """See ``Method``: the critic learns in every step, the student in every ``student_update_freq``-th."""
        # One generator of numbers for each micro-batch: both rollouts of the step use the same.
        draws = [Draws(self._seed, number, clips.places, self._rng_group) for clips in micro_batches]
        with torch.no_grad():
            # [B, Z, T, h, w] each: what the student makes of its own past, without gradient.
            rollouts = [self_rollout(self._student, *pair, gradient=False) for pair in zip(micro_batches, draws, strict=True)]
        names = [name for clips in micro_batches for name in clips.names]
        # First the critic's gradient, whose step is taken last: the student sees the critic of before.
        figures = self._teach_critic(micro_batches, draws, rollouts)
        if number % self._stage.student_update_freq == 0:
            figures |= self._teach_student(micro_batches, draws, rollouts)
            figures |= self.student_update.apply(names)
        return {**figures, **self.critic_update.apply(names)}

    def critic_losses(self, x0: Tensor, clips: Clips, draws: Draws) -> Tensor:
        """How well the critic sees the student's clips through noise, [B]."""
        # The critic is never guided, so nothing depends on the window here.
        t_B = self._stage.guidance.law(draws.uniform(Purpose.CRITIC_LEVEL))  # [B] float64
        noise = draws.normal(Purpose.CRITIC_NOISE, tuple(x0.shape[1:])).to(x0)  # [B, Z, T, h, w]
        # It regresses to the student's clips, so its x0 is where the student's distribution lies.
        seen = predict_x0(self._critic, add_noise(x0.detach(), noise, t_B), t_B, clips)
        # [B]: || x0 - seen ||^2 over the mouth.
        return critic_loss(x0, seen, self._stage.places.weight(x0))

    @torch.no_grad()
    def direction(self, x0: Tensor, clips: Clips, draws: Draws) -> Tensor:
        """Where the student's clips should not go, [B, Z, T, h, w]."""
        # The same noise and level for critic and teacher: their difference is the direction.
        levels = self._stage.guidance.draw(draws, Purpose.STUDENT_LEVEL)  # [B], all inside the window or all outside
        noise = draws.normal(Purpose.STUDENT_NOISE, tuple(x0.shape[1:])).to(x0)  # [B, Z, T, h, w]
        x_t = add_noise(x0.detach(), noise, levels.t_B)  # a level for each sample, the same for all of its frames
        # [B, Z, T, h, w]: where the student's own distribution would have this clip,
        fake = predict_x0(self._critic, x_t, levels.t_B, clips)  # never guided
        scale = self._stage.guidance.scale if levels.guided else 1.0
        # and where the teacher would, guided inside the window only.
        real = self._teacher.x0(x_t, levels.t_B, clips, scale)  # frozen, perhaps in bfloat16
        # (fake - real) / mean |x0 - real|, as the normaliser of DMD has it (equation 8).
        return vsd_direction(x0.detach(), fake, real, self._stage.places.weight(x0))

    @property
    def updates(self) -> Mapping[str, Updater]:
        """See ``Method``."""
        return {"student": self.student_update, "critic": self.critic_update}

    def _teach_critic(self, micro_batches: Sequence[Clips], draws: Sequence[Draws], rollouts: Sequence[Tensor]) -> Figures:
        samples, total = sum(map(len, micro_batches)), 0.0
        for (clips, last), drawn, x0 in zip(marked_last(micro_batches), draws, rollouts, strict=True):
            sync_gradients(self._critic, on=last)
            # [B]: the rollouts are constants here, so only the critic has a graph.
            loss_B = self.critic_losses(x0, clips, drawn)
            self.critic_update.backward(loss_B, clips.names, samples)
            total += float(loss_B.detach().sum()) / samples
        return {"critic/loss": total}

    def _teach_student(self, micro_batches: Sequence[Clips], draws: Sequence[Draws], rollouts: Sequence[Tensor]) -> Figures:
        samples, total = sum(map(len, micro_batches)), 0.0
        weights, figures = self._weights(micro_batches, rollouts)
        for (clips, last), drawn, weight_B in zip(marked_last(micro_batches), draws, weights, strict=True):
            sync_gradients(self._student, on=last)
            # The same clips again, now with gradient through the exit step's call of every block.
            x0 = self_rollout(self._student, clips, drawn, gradient=True)  # [B, Z, T, h, w]
            # A loss whose gradient is the direction: no gradient flows through critic or teacher.
            loss_B = vsd_loss(x0, self.direction(x0, clips, drawn), self._stage.places.weight(x0))
            # [B] * [B]: the reward scales a sample's gradient and has none itself.
            self.student_update.backward(loss_B * weight_B, clips.names, samples)
            total += float(loss_B.detach().sum()) / samples
        return {"student/loss": total, **figures}

    @torch.no_grad()
    def _weights(self, micro_batches: Sequence[Clips], rollouts: Sequence[Tensor]) -> tuple[list[Tensor], Figures]:
        """A weight for every sample of every micro-batch, from the rewards of the whole step."""
        if self._reward is None or self._stage.weighting is None:
            return [torch.ones(len(clips)).to(x0) for clips, x0 in zip(micro_batches, rollouts, strict=True)], {}
        # [samples of this rank]; decoded and heard, which needs no gradient.
        mine = torch.cat([self._reward(x0, clips) for clips, x0 in zip(micro_batches, rollouts, strict=True)])
        rewards, first = over_ranks(mine)  # [N], ranks in order
        # Of the whole step, over all ranks: within one sample every weight would be 1.
        weights = self._stage.weighting.weights(rewards.double()).to(rollouts[0])
        figures = {"reward/mean": float(rewards.mean()), "reward/least": float(rewards.min()),
                   "reward/most": float(rewards.max()), "reward/weight": float(weights.max())}  # fmt: skip
        # This rank's part, cut as its micro-batches are: [B] each.
        return list(weights[first : first + len(mine)].split([len(clips) for clips in micro_batches])), figures
