"""The bars of a written piece: in which order they are played, how long each is, and where its notes begin."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from musicgen.score import STEPS_PER_QUARTER

MAX_PLAYED = 1024  # bars, however often they are repeated
MAX_TIMES = 16
NEARLY_WHOLE = 0.25  # steps by which a bar may miss its length and still be whole: thirds of a beat are often rounded


def size_of(meter: str | None) -> float | None:
    """Steps a bar of a meter such as "7/8"; None of none."""
    if not meter:
        return None
    beats, unit = map(int, meter.split("/"))
    return beats * 4 * STEPS_PER_QUARTER / unit


@dataclass
class Measure:
    """One bar of all parts. Lengths are in steps."""

    meter: str | None = None
    filled: float = 0.0  # as far as its notes and the rests beside them reach
    reach: float = 0.0  # where its last note ends
    latest: float = 0.0  # where the last note begins in the part that has its last one first
    implicit: bool = False  # it has no number of its own: an upbeat, or half of a bar
    opened: bool = False  # a double line or a repeat stands at its beginning
    closed: bool = False  # or at its end
    forward: bool = False  # a repeat begins here
    times: int = 0  # how often a repeat that ends here is played; 0 if none does
    ending: frozenset[int] = field(default_factory=frozenset)  # in which turns it is played; all if empty
    jumps: bool = False  # D.C. or D.S. stands here

    @property
    def short(self) -> bool:
        size = size_of(self.meter)
        return size is not None and 0 < self.filled < size - NEARLY_WHOLE

    @property
    def several(self) -> int:
        """How many bars of its meter it holds in every part, as where somebody wrote no bar lines; 1 for all others."""
        size = size_of(self.meter)
        return int((self.latest + NEARLY_WHOLE) // size) + 1 if size and self.filled >= 2 * size - NEARLY_WHOLE else 1


@dataclass(frozen=True)
class Placed:
    """A bar as it is played."""

    index: int  # among the written ones
    start: float  # step
    length: float  # steps
    shift: float = 0.0  # steps of rest before its notes: an upbeat in the middle of a piece stands before its bar line


def played(measures: Sequence[Measure]) -> list[int]:
    """The bars in the order in which repeats and their endings want them; as written where that makes no sense."""
    order, index, first, turn = [], 0, 0, 1
    around: list[tuple[int, int]] = []  # the repeats around this one: where they begin, and their turn
    while index < len(measures) and len(order) < MAX_PLAYED:
        bar = measures[index]
        if bar.forward and index != first:
            around += [(first, turn)] if measures[first].forward else []
            first, turn = index, 1
        if not bar.ending or turn in bar.ending:
            order.append(index)
            if bar.times and turn < _turns(measures, index):
                index, turn = first, turn + 1
                continue
        following = measures[index + 1] if index + 1 < len(measures) else None
        if (bar.ending and following and not following.ending) or (bar.times and not bar.ending):
            first, turn = around.pop() if around else (index + 1, 1)
        index += 1
    written = list(range(len(measures)))
    return order if len(order) == MAX_PLAYED or set(order) == set(written) else written


def _turns(measures: Sequence[Measure], index: int) -> int:
    """How often the repeat that ends with this bar is played: as its endings say, else as itself says."""
    if not measures[index].ending:
        return min(measures[index].times, MAX_TIMES)
    begin = end = index
    while begin and measures[begin - 1].ending:
        begin -= 1
    while end < len(measures) and measures[end].ending:
        end += 1
    endings = {bar.ending for bar in measures[begin:end]}
    once_more = len(endings) == 1  # a first ending alone: the second is what follows it
    return min(max(map(max, endings)) + once_more, MAX_TIMES)


def placed(measures: Sequence[Measure], order: Sequence[int]) -> list[Placed]:
    """Where each played bar begins and how long it is."""
    lengths, shifts = [], []
    while len(lengths) < len(order):
        own, shift = _lengths(measures, order, lengths)
        lengths += own
        shifts += [shift] + [0.0] * (len(own) - 1)
    starts = accumulate(lengths, initial=0.0)
    return [Placed(*bar) for bar in zip(order, starts, lengths, shifts)]


def _lengths(measures: Sequence[Measure], order: Sequence[int], before: Sequence[float]) -> tuple[list[float], float]:
    """The length of the bar that is played after those `before`, and how far its notes are moved into it.

    It is as long as its meter says, whatever is in it. Shorter are an upbeat at the very beginning and a bar that makes
    a whole one with its neighbour; the lengths of all parts of such a bar are given together. Longer is a last one
    that holds several bars, since nothing follows that it could move.
    """
    turn, bar = len(before), measures[order[len(before)]]
    size = size_of(bar.meter)
    if size is None:
        return [max(bar.filled, bar.reach) or (before[-1] if turn else 4 * STEPS_PER_QUARTER)], 0.0
    if not bar.short:
        return [size * (bar.several if turn == len(order) - 1 else 1)], 0.0
    if not turn:
        return [bar.filled if len(order) > 1 or bar.implicit else size], 0.0
    parts = _split(measures, order, turn)
    if parts:
        return [measures[index].filled for index in order[turn : turn + parts]], 0.0
    if _completes(measures, order, turn, before[-1]):
        return [bar.filled], 0.0
    return [size], size - bar.filled if bar.implicit else 0.0


def _split(measures: Sequence[Measure], order: Sequence[int], turn: int) -> int:
    """How many played bars from `turn` on are the parts of one; 0 if it is none of several.

    Two need no sign between them: people split bars at the ends of lines and of systems too.
    """
    total = 0.0
    for count, index in enumerate(order[turn : turn + 4]):
        bar = measures[index]
        if not bar.short or bar.meter != measures[order[turn]].meter:
            return 0
        if count > 1 and not _parted(measures, order, turn + count):
            return 0
        total += bar.filled
        size = size_of(bar.meter)
        if count and size is not None and abs(total - size) <= NEARLY_WHOLE:
            return count + 1
    return 0


def _completes(measures: Sequence[Measure], order: Sequence[int], turn: int, before: float) -> bool:
    """Whether a bar makes a whole one with the one before, which has a shorter meter of its own."""
    bar = measures[order[turn]]
    size = size_of(bar.meter)
    return size is not None and _parted(measures, order, turn) and abs(before + bar.filled - size) <= NEARLY_WHOLE


def _parted(measures: Sequence[Measure], order: Sequence[int], turn: int) -> bool:
    """Whether anything tells that a played bar and the one before may be parts of one."""
    one, other = measures[order[turn - 1]], measures[order[turn]]
    jump = order[turn] != order[turn - 1] + 1
    return jump or one.closed or other.opened or one.implicit or other.implicit


def first_barline(measures: Sequence[Measure], bars: Sequence[Placed], meter: str) -> float:
    """The step of the first bar line of the meter: after an upbeat, if the first bar is a short one."""
    first = next((turn for turn, bar in enumerate(bars) if (measures[bar.index].meter or meter) == meter), 0)
    if not bars:
        return 0.0
    size = size_of(measures[bars[first].index].meter)
    upbeat = size is not None and bars[first].length < size - NEARLY_WHOLE
    return bars[first].start + (bars[first].length if upbeat else 0.0)
