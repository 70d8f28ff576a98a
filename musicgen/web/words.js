/* Music in words: names of pitches and places, and the list of notes for those who read rather than look. */

(() => {
  "use strict";

  const NAMES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

  const pitchName = pitch => NAMES[pitch % 12] + (Math.floor(pitch / 12) - 1);
  const clock = seconds => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
  const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

  const headline = (what, {style, steps, bar, meter}) => `${what} · ${style} · ${plural(steps / bar, "bar")} of ${meter}`;

  function place({bar, beat}, step) {  // "bar 3, beat 2.5", both counted from 1
    const within = Math.round(((step % bar) / beat + 1) * 100) / 100;
    return `bar ${Math.floor(step / bar) + 1}, beat ${within}`;
  }

  function wordsOf(piece, notes) {  // a list item a bar, in it a line a voice
    const items = [];
    const sorted = [...notes].sort((a, b) => a.start - b.start);
    for (let number = 1; (number - 1) * piece.bar < piece.steps; number++) {
      const inside = sorted.filter(note => Math.floor(note.start / piece.bar) === number - 1);
      const lines = piece.voices.map((name, voice) => line(name, inside.filter(note => note.voice === voice)));
      const item = document.createElement("li");
      item.value = number;
      item.append(...lines.filter(Boolean));
      if (item.childElementCount) items.push(item);
    }
    return items;
  }

  function line(name, notes) {  // a note as it would be typed into the seed
    if (!notes.length) return null;
    const paragraph = document.createElement("p"), head = document.createElement("b");
    head.textContent = name;
    const words = notes.map(note => `${pitchName(note.pitch)}:${note.duration / 4}${note.given ? " (given)" : ""}`);
    paragraph.append(head, ` ${words.join("  ")}`);
    return paragraph;
  }

  window.MusicgenWords = {clock, headline, place, pitchName, plural, wordsOf};
})();
