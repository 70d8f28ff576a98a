"""A step of a forward model: from what is known to the next frames, as a module that can be exported as it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from musicgen.models.base import HOLD_TOKEN, REST_TOKEN, STYLE_NAMES, Batch
from musicgen.models.draw import draw
from musicgen.models.frames import TOKENS, History, place
from musicgen.models.head import HOLDS, ORDER, UNKNOWN, Choice
from musicgen.score import STYLES

RESTS = TOKENS == REST_TOKEN
SPARE = 12  # steps that are carried on though they do not matter any more


@dataclass(frozen=True)
class State:
    """What a backbone needs besides the history of N = B * candidates pieces; every tensor has the pieces first."""

    carried: tuple[Tensor, ...]  # (N, ..., t, C) what the last steps left, at least as many as matter
    context: tuple[Tensor, ...] = ()  # (B, ...) the same for every step, and for all candidates of a piece
    timed: tuple[Tensor, ...] = ()  # (N, T, ...) what belongs to each of the steps to come

    @classmethod
    def by(cls, tensors: Sequence[Tensor], counts: tuple[int, int]) -> "State":
        """That of these tensors, of which the first ones are carried, and the next are context, as many as counted."""
        carried, context = counts
        return cls(*map(tuple, (tensors[:carried], tensors[carried : carried + context], tensors[carried + context :])))

    @property
    def counts(self) -> tuple[int, int]:
        return len(self.carried), len(self.context)

    def packed(self, steps: int) -> list[Tensor]:
        """All its tensors, with what is timed of the first steps alone."""
        return [*self.carried, *self.context, *(x[:, :steps] for x in self.timed)]

    def longer(self, steps: int) -> "State":
        """The same with so many empty steps carried besides, for examples."""
        return replace(self, carried=tuple(F.pad(x, (0, 0, steps, 0)) for x in self.carried))

    def cut(self, memory: tuple[int, ...], guessed: int = 0, steps: int = 0) -> "State":
        """Without the newest `guessed` steps of what is carried, nor what is timed of the `steps` that were taken.

        Of older steps those are left out that do not matter, as memory says; of several pieces not at once, since that
        copies the others.
        """
        carried = []
        for x, matter in zip(self.carried, memory, strict=True):
            end = x.shape[-2] - guessed
            kept = end if end < matter + SPARE * (len(x) > 1) else min(end, matter)
            carried.append(x.narrow(-2, end - kept, kept))
        return State(tuple(carried), self.context, tuple(x[:, steps:] for x in self.timed))

    def rows(self, rows: Tensor) -> "State":
        """That of these pieces, whose context stays."""
        carried, timed = (tuple(x[rows] for x in part) for part in (self.carried, self.timed))
        return State(carried, self.context, timed)


class Now(NamedTuple):
    """What S steps are given beside history and state, of N pieces of one meter."""

    steps: Tensor  # (S,) 0, 1 ...
    tokens: Tensor  # (N, S, 4) what is fixed in these frames
    fixed: Tensor  # (S, 4) which voices are
    meter: Tensor  # (N,)
    position: Tensor  # (N, S) steps since the bar line
    to_end: Tensor  # (N, S) see `ending`
    hold_shift: Tensor  # (N,) added to the log-odds of a hold
    breath: Tensor  # (N, S) steps that all voices may rest together
    uniforms: Tensor  # (N, S, 4) numbers from 0 to 1 that the voices are drawn by
    temperature: Tensor  # ()
    top_p: Tensor  # ()

    def flat(self) -> "Now":
        """Of N * S frames, what matters to each for itself."""
        return self._replace(
            tokens=flat(self.tokens),
            fixed=flat(self.fixed.expand_as(self.tokens)),
            to_end=flat(self.to_end),
            hold_shift=flat(self.hold_shift[:, None, None] + 0 * self.steps[:, None]),
            breath=flat(self.breath[..., None]),
            uniforms=flat(self.uniforms),
        )


def flat(x: Tensor) -> Tensor:
    """(N, S, ...) -> (N * S, ...)"""
    return x.reshape(-1, *map(int, x.shape[2:]))


HISTORY_TENSORS = 4  # of a history that is packed, the last of which never changes


class Step(nn.Module):
    """`Now`, a history's tensors and a state's -> S frames of N pieces, `begun`, `begins`, and what to go on from.

    Each frame is written as if nothing began in those before it: a guess that is right more often than not, since notes
    are held, and `begins` tells whether it was (Stern et al. 2018, arXiv 1811.03115). Frames are (N * S, 4); `begun`
    (N * S, 2) is the log-probability of the pitches that begin, knowing that something does, and their number; `begins`
    (N * S) is whether anything does. Then come the histories after each frame, packed, (N * S, ...) but for the last
    tensor, and what is carried, S steps longer.

    Args:
        model: the forward model that composes.
        style: of the pieces, a name in `STYLES`.
        state: any state of this model, which says how many tensors are carried, context and timed.
        given: how many voices, from the top, are fixed in each frame, so that no choice of theirs is worked out.
    """

    model: Any  # a `FrameByFrame`, whose module imports this one
    style: Tensor

    def __init__(self, model: nn.Module, style: str, state: State, given: int = 0):
        super().__init__()
        self.model, self.given = model, given
        self.voices, self.rhythm = len(STYLES[style].ranges), STYLES[style].rhythm_temperature
        index = torch.tensor([STYLE_NAMES.index(style)], device=state.carried[0].device)
        self.register_buffer("style", index, persistent=False)
        self.counts = state.counts
        others = self.model.head.allowed[index, : self.voices][0] & ~HOLDS.to(index.device)
        self.choices = [
            F.pad(of_voice.nonzero()[:, 0], (0, 1), value=HOLD_TOKEN) for of_voice in others
        ]  # hold is last

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        now, tensors = Now(*tensors[: len(Now._fields)]), tensors[len(Now._fields) :]
        history = History.by(tensors[:HISTORY_TENSORS]).ahead(now.steps)
        state = State.by(tensors[HISTORY_TENSORS:], self.counts)
        batch = Batch(
            now.tokens, self.style, now.meter, now.position, now.to_end, torch.ones_like(now.to_end), now.hold_shift
        )
        hidden, state = self.model.hidden(history, batch, state)
        history, now = history.each(flat), now.flat()
        frame, begun = self._frame(flat(hidden), history, flat(place(batch)), now)
        after = history.after(frame)
        begins = after.age.amin(-1) == 0
        return frame, begun, begins, *after.packed()[:-1], *state.carried

    def _frame(self, hidden: Tensor, history: History, places: Tensor, now: Now) -> tuple[Tensor, Tensor]:
        """Of N frames the fixed cells as they are, the other voices chosen knowing those before them."""
        head, chosen = self.model.head, slice(self.given, self.voices)
        ground = head.ground(hidden, history, places, now.to_end, self.style, chosen)
        must_sound = self._must_sound(history, now)[..., None] & RESTS.to(hidden.device)  # (N, 1, V)
        ground = head.to_draw(ground._replace(forbidden=ground.forbidden | must_sound))
        frame = list(now.tokens.split(1, 1))  # (N, 1) each
        seen = list(torch.where(now.fixed, now.tokens, UNKNOWN).split(1, 1))
        seen[self.voices :] = [torch.full_like(seen[0], UNKNOWN)] * (4 - self.voices)
        choices: dict[int, Choice] = {}
        for v in (v for v in ORDER if self.given <= v < self.voices):
            one, nth = slice(v, v + 1), v - self.given
            others = torch.cat([seen[u] for u in range(4) if u != v], -1)[:, None]  # (N, 1, 3)
            choice = choices[v] = head.choice(ground.of(slice(nth, nth + 1)), others, one)
            tokens = self.choices[v]
            hold = len(tokens) - 1, (choice.odds + now.hold_shift) / self.rhythm
            drawn = draw(choice.others[..., tokens[:-1]], now.temperature, now.top_p, now.uniforms[:, one], hold)
            cell = tokens[drawn]  # (N, 1)
            frame[v] = seen[v] = torch.where(now.fixed[:, one], frame[v], cell)
        written = torch.cat(frame, 1)
        begins = ((written != HOLD_TOKEN) & ~now.fixed)[:, chosen].float()
        parts = zip(*((choices[v].others, choices[v].total) for v in sorted(choices)))
        logits, total = (torch.cat(part, 1) for part in parts)  # (N, n, V), (N, n)
        likely = (logits.gather(-1, written[:, chosen, None])[..., 0] - total) * begins  # (N, n)
        return written, torch.stack([likely.sum(1), begins.sum(1)], -1)

    def _must_sound(self, history: History, now: Now) -> Tensor:
        """Whether no free voice may rest, (N, 1): silence lasted for as long as it may.

        Some of the corpus rests while instruments play, or before an upbeat; nobody asks for that.
        """
        rested = (history.age + 1) * (history.pitch == REST_TOKEN)  # (N, 4) steps
        return rested[:, : self.voices].amin(1, keepdim=True) >= now.breath
