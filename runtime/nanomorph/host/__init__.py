"""The machine that runs: its cores, its memory."""
