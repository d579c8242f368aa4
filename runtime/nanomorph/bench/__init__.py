"""How many micrographs a second this machine does, and which stage holds it back: what `nanomorph bench` measures."""

from nanomorph.bench.end_to_end import EndToEnd, run_whole
from nanomorph.bench.frames import write_frames
from nanomorph.bench.stages import Samples, time_engine, time_stages

__all__ = ["EndToEnd", "Samples", "run_whole", "time_engine", "time_stages", "write_frames"]
