"""Music from an orderless network: every free cell is drawn once, then block after block of them anew.

Annealed blocked Gibbs sampling: Yao et al. 2014, arXiv 1409.0585; Huang et al. 2017, arXiv 1903.07227. A block is what
is free of one voice in one beat. What is drawn in one pass cannot know of each other, so a pass takes blocks that lie
apart, never two voices at once and a beat between, and draws of each a single note; the next pass goes on from there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from musicgen.models.base import FIRST_PITCH, HOLD_TOKEN, REST_TOKEN, Batch, collate, features_of, to_cells
from musicgen.models.motion import moves, parallels
from musicgen.models.roll import WINDOW_PITCHES, Roll, class_mask, window_floors
from musicgen.sampling import draw
from musicgen.score import LOW, METERS, STYLES, Canvas

PASSES = 60
FILL = 24  # of them, or more, begin every block for the first time; in each of the others
MOST, LEAST = 0.12, 0.03  # this share of the blocks is drawn anew, falling from the first pass to the last,
COOL = 0.4  # and with it the temperature of which notes begin, to this part of itself
CADENCE = 0.5  # of the temperature, in the last bar: a piece closes with less surprise than it went on with
TURN = (0, 2, 3, 1)  # of soprano, alto, tenor, bass in the first fill: the outer voices first
AVOID = 5.0  # nats that a parallel fifth or octave costs beyond what the network thinks of it
TRUST = 0.6  # part of a guessed chance to hold a note that is taken at once; for the rest, another look is waited for
TINY = 1e-20  # the least chance of what is legal

Network = Callable[[Batch, Tensor, Tensor], Tensor]  # batch, classes, known (1, T, 4) -> logits (1, T, 4, CLASSES)


@dataclass(frozen=True)
class Block:
    voice: int
    start: int  # steps
    stop: int
    passed: float = 0.0  # chance to hold the note before into it that there was, and that was not taken


def blocks_of(canvas: Canvas) -> list[Block]:
    """Every run of free cells of a voice, cut at the beats."""
    beat, found = METERS[canvas.score.meter].beat, []
    for voice in range(4):
        free = np.flatnonzero(~canvas.fixed[:, voice])
        cuts = np.flatnonzero((np.diff(free) > 1) | (free[1:] % beat == 0)) + 1
        found += [Block(voice, int(run[0]), int(run[-1]) + 1) for run in np.split(free, cuts) if len(run)]
    return found


def apart(ordered: Iterable[Block], count: int, gap: int) -> list[Block]:
    """The first `count` blocks that leave at least `gap` steps between any two."""
    found: list[Block] = []
    for block in ordered:
        if len(found) < count and all(b.stop + gap <= block.start or block.stop + gap <= b.start for b in found):
            found.append(block)
    return found


class Sampler:
    """The cells of one request while they are drawn."""

    def __init__(self, network: Network, canvas: Canvas, top_p: float, rng: torch.Generator):
        self.network, self.top_p, self.rng = network, top_p, rng
        self.meter, self.style = METERS[canvas.score.meter], STYLES[canvas.score.style]
        self.batch = collate([features_of(canvas.score)])
        roll = Roll.of(self.batch.tokens)
        self.sound, self.onset = roll.sound[0], roll.onset[0]  # (T, 4)
        self.fixed = torch.from_numpy(canvas.fixed.copy())  # (T, 4)
        self.known = self.fixed.clone()
        self.given_rest = (self.fixed & (self.sound == REST_TOKEN))[:, : len(self.style.ranges)].any(1)  # (T,)
        self.allowed = class_mask()[self.batch.style]  # (1, 4, CLASSES)
        self.floor = window_floors()[self.batch.style]  # (1,) MIDI
        self.lowest = int(self.floor) - LOW + FIRST_PITCH  # token of the window's lowest pitch
        self.blocks = blocks_of(canvas)
        self.rule = parallels(AVOID)
        self.firm = torch.ones(canvas.score.steps, 1)
        self.firm[-self.meter.steps :] = 1 / CADENCE

    def cells(self) -> np.ndarray:
        """Cells (T, 4) as they are; what was not drawn yet rests."""
        return to_cells(Roll(self.sound[None], self.onset[None]).tokens()[0].numpy())

    def passes(self, temperature: float) -> Iterator[None]:
        """Draw all blocks, then some of them anew; `PASSES` times the cells are to be looked at."""
        waiting, left, turn = self._first_order(), [], 0
        first = -(-len(waiting) // FILL)
        while self.blocks and (turn < PASSES or waiting or left):
            done = min(1, turn / (PASSES - 1))
            anew = round(len(self.blocks) * (MOST + (LEAST - MOST) * done)) if turn < PASSES else 0
            count = len(left) + first if waiting else max(1, anew, len(left))
            chosen = apart(left + (waiting or self._shuffled()), count, self.meter.beat)
            waiting = [b for b in waiting if b not in chosen]
            left = self.redraw(chosen, temperature, 1 + (COOL - 1) * done)
            turn += 1
            if turn < PASSES:
                yield
        yield

    def _shuffled(self) -> list[Block]:
        return [self.blocks[i] for i in torch.randperm(len(self.blocks), generator=self.rng).tolist()]

    def _first_order(self) -> list[Block]:
        """Bar by bar; in a bar the odd beats first, in these the outer voices."""
        bar, beat = self.meter.steps, self.meter.beat
        return sorted(self.blocks, key=lambda b: (b.start // bar, b.start % bar // beat % 2, TURN[b.voice], b.start))

    def redraw(self, chosen: list[Block], temperature: float, cool: float = 1.0) -> list[Block]:
        """Draw a note of each block, all from one look of the network; return what is left of the blocks.

        `cool` times the temperature is that of which note begins, and not of whether one does: there the likelier is
        nearly always the same, and all notes would become alike.
        """
        for block in chosen:
            self.known[block.start : block.stop, block.voice] = False
        look = self._look()  # (T, 4, CLASSES)
        left, active = [], chosen
        for offset in range(max(b.stop - b.start for b in chosen)):
            active = [b for b in active if b.start + offset < b.stop]
            if not active:
                break
            step, voice = (torch.tensor(n) for n in zip(*((b.start + offset, b.voice) for b in active)))
            passed = torch.tensor([0.0 if offset else b.passed for b in active])
            chances = self._chances(look, step, voice, passed, offset > 0)  # (n, 2 + P)
            logits = chances.log() * self.firm[step]
            token = draw(logits, temperature, self.top_p, self.rng, apart=HOLD_TOKEN, cool=cool)
            ended = [offset > 0 and t >= FIRST_PITCH for t in token.tolist()]
            held = chances[:, HOLD_TOKEN].tolist()
            left += [Block(b.voice, b.start + offset, b.stop, h) for b, h, e in zip(active, held, ended) if e]
            active = [b for b, e in zip(active, ended) if not e]
            goes_on = ~torch.tensor(ended)
            self._write(look, step[goes_on], voice[goes_on], token[goes_on], temperature)
        before = F.pad(self.sound, (0, 0, 1, 0), value=REST_TOKEN)[:-1]
        self.onset |= self.known & (self.sound >= FIRST_PITCH) & (self.sound != before) & self._known_before()
        return left

    @torch.inference_mode()
    def _look(self) -> Tensor:
        """Chances (T, 4, CLASSES) of every cell given what is known."""
        classes = Roll(self.sound[None], self.onset[None]).classes(self.floor)
        logits = self.network(self.batch, classes, self.known[None])
        against = moves(classes, self.known[None], self.rule).repeat(1, 1, 1, 2)  # (1, T, 4, 2 * P)
        chances = (logits + F.pad(against, (1, 0))).softmax(-1)
        return torch.where(self.allowed[:, None], chances.clamp(min=TINY), 0)[0]

    def _known_before(self) -> Tensor:
        """Whether the cell before is known, (T, 4): before the first step there is silence."""
        return F.pad(self.known, (0, 0, 1, 0), value=True)[:-1]

    def _chances(self, look: Tensor, step: Tensor, voice: Tensor, passed: Tensor, drawn: bool) -> Tensor:
        """Chances (n, 2 + P) of n cells to rest, to hold, to begin one of the window's pitches.

        To go on with a pitch is to have had it. So where the cell before was just `drawn` from the same look, the
        chance to hold is that of "this pitch goes on" over that of "this pitch was there". That is a guess, so where it
        was `passed` (n,) the next look, which knows the note, gives what was missing from the chance it finds. Where
        the cell before is not known, a pitch counts whether it goes on or begins.
        """
        rest, on, begin = look[step, voice].split((1, WINDOW_PITCHES, WINDOW_PITCHES), -1)
        known, before = self._known_before()[step, voice, None], (step - 1).clamp(min=0)
        pitch = self.sound[before, voice, None] - self.lowest  # (n, 1) in the window, below 0 for a rest
        may_hold = known & (pitch >= 0) & (step > 0)[:, None]
        hold = on.gather(1, pitch.clamp(min=0)) * may_hold  # (n, 1)
        rest = rest * self._may_rest(step)[:, None]
        other = torch.cat([rest, torch.where(known, begin, begin + on)], 1)  # (n, 1 + P)
        if drawn:
            was = look[before, voice, 1:].unflatten(1, (2, WINDOW_PITCHES)).sum(1).gather(1, pitch.clamp(min=0))
            hold = (TRUST * hold / was.clamp(min=TINY)).clamp(max=1)
        else:
            hold = hold / (hold + other.sum(1, keepdim=True))
        passed = passed[:, None].clamp(max=1 - 1e-6)
        hold = ((hold - passed) / (1 - passed)).clamp(min=0)
        other = other / other.sum(1, keepdim=True) * (1 - hold)
        return torch.cat([other[:, :1], hold, other[:, 1:]], 1)

    def _may_rest(self, step: Tensor) -> Tensor:
        """Whether a free voice may rest at each step (n,): where a given one does, or for a breath of all."""
        breath = self.style.breath * self.meter.beat
        return self.given_rest[step] | torch.tensor([0 < breath >= self._silence(int(s), breath) for s in step])

    def _silence(self, step: int, breath: int) -> int:
        """How many steps of silence there were if this one rested; a piece's beginning counts as a breath taken."""
        silent = (self.known & (self.sound == REST_TOKEN))[:, : len(self.style.ranges)].all(1).tolist()
        first, stop = step, step + 1
        while first > 0 and silent[first - 1]:
            first -= 1
        while stop < len(silent) and silent[stop]:
            stop += 1
        return stop - first + breath * (first == 0)

    def _write(self, look: Tensor, step: Tensor, voice: Tensor, token: Tensor, temperature: float):
        """Put tokens (n,), pitches counted in the window, into their cells."""
        pitch = (token - FIRST_PITCH).clamp(min=0)
        on, begin = look[step, voice, 1 + pitch], look[step, voice, 1 + WINDOW_PITCHES + pitch]
        limit = torch.rand(len(token), generator=self.rng) if temperature else 0.5
        begins = self._known_before()[step, voice] | (begin / (begin + on) > limit)
        pitches = torch.where(token < FIRST_PITCH, REST_TOKEN, pitch + self.lowest)
        self.sound[step, voice] = torch.where(token == HOLD_TOKEN, self.sound[step - 1, voice], pitches)
        self.onset[step, voice] = (token >= FIRST_PITCH) & begins
        self.known[step, voice] = True
