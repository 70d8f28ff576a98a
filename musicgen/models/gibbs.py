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
from musicgen.models.draw import draw, parted
from musicgen.models.frames import PITCH_CLASSES
from musicgen.models.head import OTHER_VOICES
from musicgen.models.roll import REST_CLASS, WINDOW_PITCHES, Roll, class_mask, window_floors
from musicgen.score import LOW, METERS, STYLES, Canvas

PASSES = 24
FILL = 12  # passes, or more, that begin every block for the first time
ANEW_FIRST, ANEW_LAST = (
    0.12,
    0.06,
)  # share of the blocks drawn anew in each of the others, falling from the first to the last
CALMER = 0.9  # part of the temperature asked for that is used at all: what is drawn many times drifts
COOL = 0.7  # part of the temperature of which notes begin that is left in the last pass
CADENCE = 0.5  # part of the temperature that is left in the last bar: a piece closes with less surprise
TURN = (0, 2, 3, 1)  # of soprano, alto, tenor, bass in the first fill: the outer voices first
AVOID = 5.0  # nats that a parallel fifth or octave costs beyond what the network thinks of it
TRUST = 0.6  # part of a guessed chance to hold a note that is taken at once; for the rest, another look is waited for
LEAST_CHANCE = 1e-20  # the least chance of what is legal

# batch, classes, known (1, T, 4), n of the steps -> logits (1, n, 4, CLASSES)
Network = Callable[[Batch, Tensor, Tensor, Tensor], Tensor]


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
    """The cells of one request while they are drawn.

    Args:
        network: gives the logits.
        canvas: what is fixed, T steps.
        top_p: share of the probability of which note begins that may be drawn.
        rng: the request's own.
    """

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
        self.row = torch.zeros(canvas.score.steps, dtype=torch.long)  # of each step in the last look
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
            anew = round(len(self.blocks) * (ANEW_FIRST + (ANEW_LAST - ANEW_FIRST) * done)) if turn < PASSES else 0
            count = len(left) + first if waiting else max(1, anew, len(left))
            chosen = apart(left + (waiting or self._shuffled()), count, self.meter.beat)
            waiting = [b for b in waiting if b not in chosen]
            left = self.redraw(chosen, CALMER * temperature, 1 + (COOL - 1) * done)
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
        look = self._look(chosen)  # (n, 4, CLASSES)
        step, voice, stop = torch.tensor([(b.start, b.voice, b.stop) for b in chosen]).T  # (n,)
        chances = self._chances(look, step, voice, stop, torch.tensor([b.passed for b in chosen]))  # (n, 2 + P)
        logits = chances.log() * self.firm[step]
        odds, logits = parted(logits, HOLD_TOKEN)
        chances = torch.rand(len(step), generator=self.rng)
        token = draw(logits, temperature, self.top_p, chances, (HOLD_TOKEN, odds), cool)
        self._write(look, step, voice, token, temperature)
        left = self._lengthen(look, chosen, temperature)
        before = F.pad(self.sound, (0, 0, 1, 0), value=REST_TOKEN)[:-1]
        self.onset |= self.known & (self.sound >= FIRST_PITCH) & (self.sound != before) & self._known_before()
        return left

    def _lengthen(self, look: Tensor, active: list[Block], temperature: float) -> list[Block]:
        """Let what was drawn at the first step of each block last as long as it does; return what is left of them."""
        left = []
        for offset in range(1, max(b.stop - b.start for b in active)):
            active = [b for b in active if b.start + offset < b.stop]
            if not active:
                break
            step, voice = torch.tensor([(b.start + offset, b.voice) for b in active]).T  # (n,)
            hold, rest = self._lasting(look, step, voice)
            firm = self.firm[step, 0]
            holds, rests = self._happens(hold, firm, temperature), self._happens(rest, firm, temperature)
            chances = hold.tolist()
            lasts = (holds | rests).tolist()
            left += [Block(b.voice, b.start + offset, b.stop, c) for b, c, g in zip(active, chances, lasts) if not g]
            active = [b for b, g in zip(active, lasts) if g]
            goes_on = holds | rests
            step, voice, holds = step[goes_on], voice[goes_on], holds[goes_on]
            self.sound[step, voice] = torch.where(holds, self.sound[step - 1, voice], REST_TOKEN)
            self.onset[step, voice], self.known[step, voice] = False, True
        return left

    def _lasting(self, look: Tensor, step: Tensor, voice: Tensor) -> tuple[Tensor, Tensor]:
        """Chances (n,) to hold the note drawn just now at the step before, and, if not, to rest rather than begin one.

        To go on with a pitch is to have had it. So the chance to hold is that of "this pitch goes on" over that of
        "this pitch was there". That is a guess from one look at both: where it fails, the next look, which knows the
        note, gives what was missing from the chance it finds.
        """
        cell, before = look[self.row[step], voice], look[self.row[step - 1], voice]  # (n, CLASSES)
        pitch = self.sound[step - 1, voice, None] - self.lowest  # (n, 1) in the window, below 0 for a rest
        on = 1 + pitch.clamp(min=0)
        was = before.gather(1, on) + before.gather(1, on + WINDOW_PITCHES)
        hold = (TRUST * cell.gather(1, on) / was.clamp(min=LEAST_CHANCE)).clamp(max=1) * (pitch >= 0)
        rest = cell[:, REST_CLASS] * self._may_rest(step)
        return hold[:, 0], rest / (rest + cell[:, 1 + WINDOW_PITCHES :].sum(1)).clamp(min=LEAST_CHANCE)

    def _happens(self, chance: Tensor, firm: Tensor, temperature: float) -> Tensor:
        """Whether something of this chance (n,) does, its log-odds `firm` times and divided by the temperature."""
        if temperature == 0:
            return chance > 0.5
        odds = torch.logit(chance.double()) * firm / temperature
        return torch.rand(len(chance), generator=self.rng) < odds.sigmoid()

    @torch.inference_mode()
    def _look(self, chosen: list[Block]) -> Tensor:
        """Chances (n, 4, CLASSES) of the cells at the steps of the blocks given what is known; `row` says which."""
        steps = torch.tensor(sorted({step for b in chosen for step in range(b.start, b.stop)}))  # (n,)
        self.row[steps] = torch.arange(len(steps))
        stop = self._horizon(steps)
        classes = Roll(self.sound[None, :stop], self.onset[None, :stop]).classes(self.floor)
        batch = self.batch.timed(lambda x: x[:, :stop])
        logits = self.network(batch, classes, self.known[None, :stop], steps)[0]
        return torch.where(self.allowed, logits.softmax(-1).clamp(min=LEAST_CHANCE), 0)

    def _horizon(self, steps: Tensor) -> int:
        """The step at which a look ends: a bar after all that is known or asked for, as there is nothing beyond."""
        last = torch.cat([self.known.any(1).nonzero()[:, 0], steps]).max()
        return min(len(self.known), (int(last) // self.meter.steps + 2) * self.meter.steps)

    def _parallels(self, step: Tensor, voice: Tensor, stop: Tensor) -> Tensor:
        """How many parallels each pitch would make, (n, P): with the cells before its step, and after its block."""
        others, found = OTHER_VOICES[voice], 0  # (n, 3)
        fifth = torch.where(others > voice[:, None], 7, 5)  # above a lower voice, below a higher one
        pitch = torch.arange(WINDOW_PITCHES) + self.lowest
        for there, beside in ((step - 1, step), (stop, stop - 1)):
            inside, there = (there >= 0) & (there < len(self.known)), there.clamp(0, len(self.known) - 1)
            own = self._heard(there, voice)[:, None]  # (n, 1)
            then, now = self._heard(there[:, None], others), self._heard(beside[:, None], others)  # (n, 3)
            apart = (own - then) % PITCH_CLASSES
            perfect = (then != now) & (own > 0) & (then > 0) & (now > 0) & ((apart == 0) | (apart == fifth))
            same = (pitch - now[..., None]) % PITCH_CLASSES == apart[..., None]  # (n, 3, P)
            found = found + (same & (perfect & inside[:, None])[..., None]).sum(1) * (pitch != own)
        return found

    def _heard(self, step: Tensor, voice: Tensor) -> Tensor:
        """The tokens of the known pitches of cells, 0 where there is none."""
        return self.sound[step, voice] * self.known[step, voice]

    def _known_before(self) -> Tensor:
        """Whether the cell before is known, (T, 4): before the first step there is silence."""
        return F.pad(self.known, (0, 0, 1, 0), value=True)[:-1]

    def _chances(self, look: Tensor, step: Tensor, voice: Tensor, stop: Tensor, passed: Tensor) -> Tensor:
        """Chances (n, 2 + P) of n cells to rest, to hold, to begin one of the window's pitches.

        Where the cell before is not known, a pitch counts whether it goes on or begins. Where a chance to hold was
        `passed` (n,) before, see `_lasting`, what was missing from it is left.
        """
        rest, on, begin = look[self.row[step], voice].split((1, WINDOW_PITCHES, WINDOW_PITCHES), -1)
        fair = (-AVOID * self._parallels(step, voice, stop)).exp()  # (n, P)
        on, begin = on * fair, begin * fair
        known, before = self._known_before()[step, voice, None], (step - 1).clamp(min=0)
        pitch = self.sound[before, voice, None] - self.lowest  # (n, 1) in the window, below 0 for a rest
        may_hold = known & (pitch >= 0) & (step > 0)[:, None]
        hold = on.gather(1, pitch.clamp(min=0)) * may_hold  # (n, 1)
        rest = rest * self._may_rest(step)[:, None]
        other = torch.cat([rest, torch.where(known, begin, begin + on)], 1)  # (n, 1 + P)
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
        row = self.row[step]
        on, begin = look[row, voice, 1 + pitch], look[row, voice, 1 + WINDOW_PITCHES + pitch]
        limit = torch.rand(len(token), generator=self.rng) if temperature else 0.5
        begins = self._known_before()[step, voice] | (begin / (begin + on) > limit)
        pitches = torch.where(token < FIRST_PITCH, REST_TOKEN, pitch + self.lowest)
        self.sound[step, voice] = torch.where(token == HOLD_TOKEN, self.sound[step - 1, voice], pitches)
        self.onset[step, voice] = (token >= FIRST_PITCH) & begins
        self.known[step, voice] = True
