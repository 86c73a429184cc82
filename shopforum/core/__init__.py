"""The lowest floor: what every package may import, and which imports nothing of shopforum."""
