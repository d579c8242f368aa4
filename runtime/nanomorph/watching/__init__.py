"""Following a live folder: poller, readiness, and what keeps a watcher going for weeks. See docs/watching.md."""

from nanomorph.watching.clock import Clock
from nanomorph.watching.follow import BundleFollower
from nanomorph.watching.rules import Rules
from nanomorph.watching.session import watch
from nanomorph.watching.watcher import Watcher

__all__ = ["BundleFollower", "Clock", "Rules", "Watcher", "watch"]
