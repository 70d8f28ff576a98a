"""The page's own parts: what they are made of, and the address from which a browser loads their scripts."""
