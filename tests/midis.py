"""MIDI files written by hand, for tests that read them."""

import io

import mido


def file_of(*tracks, ticks=480, type=1, head=()) -> bytes:
    """A MIDI file of tracks, each a name, a channel and notes `(pitch, start, end)` in quarters."""
    file = mido.MidiFile(type=type, ticks_per_beat=ticks)
    file.tracks.append(mido.MidiTrack(head))
    for name, channel, notes in tracks:
        events = [(start, 1, pitch) for pitch, start, _ in notes] + [(end, 0, pitch) for pitch, _, end in notes]
        track, now = mido.MidiTrack([mido.MetaMessage("track_name", name=name)]), 0
        for when, velocity, pitch in sorted(events):
            at = round(when * ticks)
            track.append(mido.Message("note_on", channel=channel, note=pitch, velocity=64 * velocity, time=at - now))
            now = at
        file.tracks.append(track)
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def tune(pitches, start=0.0, length=1.0):
    return [(pitch, start + i * length, start + (i + 1) * length) for i, pitch in enumerate(pitches)]


def time_signature(name: str, at: int = 0) -> mido.MetaMessage:
    numerator, denominator = map(int, name.split("/"))
    return mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator, time=at)
