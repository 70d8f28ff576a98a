"""A composition -> the bytes of a file a visitor takes home. Each maker is imported when first asked for."""

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it needs models, and the names of formats are told without them
    from musicgen.session import Composition


@dataclass(frozen=True)
class Format:
    title: str
    ending: str
    hint: str
    make: Callable[["Composition", Sequence[str]], bytes]  # with the keys of four instruments


def _midi(work: "Composition", instruments: Sequence[str]) -> bytes:
    from musicgen.io import audio, midi

    programs = [audio.INSTRUMENTS[key].program for key in instruments]
    return midi.write(work.score, programs, work.recipe, maker=work.maker)


def _musicxml(work: "Composition", instruments: Sequence[str]) -> bytes:
    from musicgen.io import audio, notation

    played = [audio.INSTRUMENTS[key] for key in instruments]
    return notation.write(work.score, work.recipe, played, work.maker)


def _sound(format: str):
    def make(work: "Composition", instruments: Sequence[str]) -> bytes:
        from musicgen.io import audio

        return audio.render(work.score, instruments, format)

    return make


def _stems(work: "Composition", instruments: Sequence[str]) -> bytes:
    """An archive with a WAV and a MIDI file for each voice that has notes."""
    from musicgen.io import audio, midi
    from musicgen.score import STYLES

    programs, data = [audio.INSTRUMENTS[key].program for key in instruments], io.BytesIO()
    sounds = audio.stems(work.score, instruments)
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.comment = f"Nonet: {work.title}".encode()
        for voice in work.score.heard:
            called = STYLES[work.score.style].voice(voice)
            name = f"{work.name}-{called.replace(' ', '-')}"
            archive.writestr(f"{name}.wav", sounds[called])
            archive.writestr(f"{name}.mid", midi.write(work.score, programs, work.recipe, [voice], work.maker))
    return data.getvalue()


def _picture(work: "Composition", instruments: Sequence[str]) -> bytes:
    from musicgen.io import picture

    return picture.piano_roll(work.score, work.fixed, title=work.title, recipe=work.recipe)


FORMATS = {
    "midi": Format("MIDI", "mid", "for any music program", _midi),
    "musicxml": Format("MusicXML", "musicxml", "sheet music for MuseScore and others", _musicxml),
    "wav": Format("WAV", "wav", "sound, exact", _sound("wav")),
    "mp3": Format("MP3", "mp3", "sound, small", _sound("mp3")),
    "png": Format("PNG", "png", "the piano roll as a picture", _picture),
    "stems": Format("Stems", "zip", "a WAV and a MIDI file for each voice", _stems),
}
