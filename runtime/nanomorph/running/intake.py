"""From what was discovered to a frame that is ready for the model: loaded, decoded, calibrated, prepared; or why not.

Nothing is settled here (`settling`): the journal only hears which input is being read, in case that ends the process.
"""

from __future__ import annotations

import hashlib

from nanomorph.calibrate import with_pixel_size, with_scale_bar
from nanomorph.errors import OutputError
from nanomorph.host.memory import Memory
from nanomorph.journal import Journal
from nanomorph.micrograph import Micrograph, ReadError
from nanomorph.outages import HOPELESS
from nanomorph.prepare import InputSpec, prepare
from nanomorph.readers import read_micrograph
from nanomorph.readers.trial import try_apart
from nanomorph.running.copies import Copies
from nanomorph.running.twins import Twins
from nanomorph.running.work import Copy, Discovered, Failed, Loaded, Read, Ready, Settings
from nanomorph.sources import Item, Rejected
from nanomorph.stages import FLUSH, Flush

# An image that was being read when so many processes in a row died is first read in a process of its own.
SUSPECT = 2


class Intake:
    """Loads in the thread that discovers, reads in several."""

    def __init__(self, journal: Journal, copies: Copies, memory: Memory, settings: Settings) -> None:
        self._journal, self._copies, self._memory, self._settings = journal, copies, memory, settings
        self._twins = Twins(journal)

    def load(self, entry: Discovered) -> Loaded | Failed | Item | Rejected | Flush:
        """What is to be read, or why it cannot be; an entry that is none of these is settled or another's companion.

        In the discovering thread: members of a tar can be read only as they pass by.
        """
        if entry is FLUSH or self._journal.settled(entry):
            return entry
        self._twins.admit(entry.name)
        if isinstance(entry, Rejected):
            return Failed(entry, entry.reason, entry.detail)
        if entry.companion is not None:
            return entry
        try:
            return Loaded(entry, entry.load() if entry.path is None else None)
        except ReadError as error:
            return Failed(entry, error.reason, error.detail)

    def read(self, loaded: Loaded, spec: InputSpec) -> Ready | Copy | Failed:
        """A frame as the model with this input wants it. Raises OutputError where there is no room to decode it."""
        item = loaded.item
        try:
            with self._journal.claimed(item):
                return self._decode(item, item.load() if loaded.data is None else loaded.data, spec)
        except ReadError as error:
            return Failed(item, error.reason, error.detail)
        except OutputError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in HOPELESS:
                raise OutputError(f"no space for temporary files ({error})") from error
            return Failed.unexpectedly(item, error)

    def _decode(self, item: Item, data: bytes, spec: InputSpec) -> Ready | Copy:
        sha256 = hashlib.sha256(data).hexdigest()
        if copy := self._copies.find(item, sha256):
            return copy
        if self._journal.deaths(item.name) >= SUSPECT:
            try_apart(item.name, data, item.path)
        with self._memory.reading():
            micrograph = self._calibrated(read_micrograph(item.name, data, item.path))
            return Read(item, sha256, micrograph), prepare(micrograph, spec)

    def _calibrated(self, micrograph: Micrograph) -> Micrograph:
        micrograph = with_pixel_size(micrograph, self._settings.nm_per_px)
        return with_scale_bar(micrograph) if self._settings.scale_bars else micrograph
