"""One step of a forward model: from what is known to the next frame, as a module that can be exported as it stands."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from musicgen.models.base import HOLD_TOKEN, REST_TOKEN, STYLE_NAMES, Batch
from musicgen.models.draw import draw
from musicgen.models.frames import TOKENS, History, place
from musicgen.models.head import ORDER, UNKNOWN
from musicgen.score import STYLES

RESTS = TOKENS == REST_TOKEN


@dataclass(frozen=True)
class State:
    """What a backbone needs besides the history of N = B * candidates pieces; every tensor has the pieces first."""

    carried: tuple[Tensor, ...]  # (N, ...) handed on from step to step
    context: tuple[Tensor, ...] = ()  # (B, ...) the same for every step, and for all candidates of a piece
    timed: tuple[Tensor, ...] = ()  # (N, T, ...) what belongs to each of the steps to come

    def rows(self, rows: Tensor) -> "State":
        """That of these pieces, whose context stays."""
        carried, timed = (tuple(x[rows] for x in part) for part in (self.carried, self.timed))
        return State(carried, self.context, timed)


class Now(NamedTuple):
    """What a step is given beside history and state, of N pieces of one meter."""

    tokens: Tensor  # (N, 4) what is fixed in this frame
    fixed: Tensor  # (4,) which voices are
    meter: Tensor  # (N,)
    position: Tensor  # (N,) steps since the bar line
    to_end: Tensor  # (N,) see `ending`
    hold_shift: Tensor  # (N,) added to the log-odds of a hold
    breath: Tensor  # (N,) steps that all voices may rest together
    uniforms: Tensor  # (N, 4) numbers from 0 to 1 that the voices are drawn by
    temperature: Tensor  # ()
    top_p: Tensor  # ()


HISTORY_TENSORS = 9  # tensors of a history, the last of which never changes


class Step(nn.Module):
    """`Now`, a history's tensors and a state's -> frame (N, 4), `begun` (N, 2), and history and carried state after it.

    `begun` is the log-probability of the pitches that begin, knowing that something does, and their number.

    Args:
        model: the forward model that composes.
        style: of the pieces, a name in `STYLES`.
        state: any state of this model, which says how many tensors are carried, context and timed.
    """

    model: Any  # a `FrameByFrame`, whose module imports this one
    style: Tensor

    def __init__(self, model: nn.Module, style: str, state: State):
        super().__init__()
        self.model = model
        self.voices, self.rhythm = len(STYLES[style].ranges), STYLES[style].rhythm_temperature
        index = torch.tensor([STYLE_NAMES.index(style)], device=state.carried[0].device)
        self.register_buffer("style", index, persistent=False)
        self.counts = len(state.carried), len(state.context)

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        now, tensors = Now(*tensors[: len(Now._fields)]), tensors[len(Now._fields) :]
        history, tensors = History.by(tensors[:HISTORY_TENSORS]), tensors[HISTORY_TENSORS:]
        carried, context = self.counts
        history.trail.echo  # worked out once, for backbone, head and what comes after  # noqa: B018
        state = State(tensors[:carried], tensors[carried : carried + context], tensors[carried + context :])
        steps = (x[:, None] for x in (now.position, now.to_end, torch.ones_like(now.hold_shift)))
        batch = Batch(now.tokens[:, None], self.style, now.meter, *steps, hold_shift=now.hold_shift)
        hidden, state = self.model.hidden(history.each(lambda x: x[:, None]), batch, state)
        frame, begun = self._frame(hidden[:, 0], history, batch, now)
        return frame, begun, *history.after(frame).tensors()[:-1], *state.carried

    def _frame(self, hidden: Tensor, history: History, batch: Batch, now: Now) -> tuple[Tensor, Tensor]:
        """Fixed cells as they are, the other voices chosen knowing those before them."""
        head = self.model.head
        ground = head.ground(hidden, history, place(batch)[:, 0], now.to_end, self.style, slice(self.voices))
        must_sound = (self._must_sound(history, now) & RESTS.to(hidden.device))[:, None]  # (N, 1, V)
        ground = ground._replace(forbidden=ground.forbidden | must_sound)
        frame = list((now.tokens * now.fixed).split(1, 1))  # (N, 1) each
        seen = list(torch.where(now.fixed, now.tokens, UNKNOWN).split(1, 1))
        seen[self.voices :] = [torch.full_like(x, UNKNOWN) for x in seen[self.voices :]]
        log_p: dict[int, Tensor] = {}
        for v in (v for v in ORDER if v < self.voices):
            one = slice(v, v + 1)
            others = torch.cat([seen[u] for u in range(4) if u != v], -1)[:, None]  # (N, 1, 3)
            choice = head.choice(ground.of(one), others, one)
            odds, logits, total = choice.odds[:, 0] + now.hold_shift, choice.others[:, 0], choice.total[:, 0]
            cell = draw(logits, now.temperature, now.top_p, now.uniforms[:, v], (HOLD_TOKEN, odds / self.rhythm))
            log_p[v] = logits.gather(-1, cell[:, None]) - total[:, None]
            frame[v] = seen[v] = torch.where(now.fixed[v], frame[v], cell[:, None])
        written = torch.cat(frame, 1)
        begins = ((written != HOLD_TOKEN) & ~now.fixed)[:, : self.voices].float()
        likely = torch.cat([log_p[v] for v in range(self.voices)], 1) * begins  # (N, n)
        return written, torch.stack([likely.sum(1), begins.sum(1)], -1)

    def _must_sound(self, history: History, now: Now) -> Tensor:
        """Whether no free voice may rest, (N, 1): silence lasted for as long as it may.

        Some of the corpus rests while instruments play, or before an upbeat; nobody asks for that.
        """
        rested = (history.age + 1) * (history.pitch == REST_TOKEN)  # (N, 4) steps
        return (rested[:, : self.voices].amin(1) >= now.breath)[:, None]
