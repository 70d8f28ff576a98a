"""Nine neural architectures that complete the same four-voice canvas."""
