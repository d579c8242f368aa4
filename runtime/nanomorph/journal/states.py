"""The states of an input, and what may follow what.

    seen ──> held ──> claimed ──> done | alias | quarantined
      └────────────────^   │               │
           held <──────────┘               └──> held or claimed again, when the file has changed

held         seen, but not ready: still written, or its end is missing; the reason says which
claimed      being read; what is claimed when a process dies may have killed it (`Journal.deaths`)
done         measured and judged, its mask and overlay on disk
alias        not measured, because another input holds the same (`duplicate_of`)
quarantined  cannot be used; the reason says why

`inputs` holds the three settled states, one row an input. `under_way` holds the other two, beside the settled
row that an input may still have from before it changed. Every step leaves a line in `history`.
"""

from __future__ import annotations

HELD, CLAIMED = "held", "claimed"
DONE, QUARANTINED, ALIAS = "done", "quarantined", "alias"
SETTLED = (DONE, QUARANTINED, ALIAS)

# Mended without a change of the file: by installing an extra, granting permission, a newer nanomorph.
RETRIED_REASONS = frozenset({"needs-extra", "no-access", "companion-missing", "internal-error", "changing"})
