"""Scores from and to what people bring and take: text, MIDI, MusicXML, sound, pictures."""
