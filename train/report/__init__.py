"""The figures as cards, tables and pictures."""
