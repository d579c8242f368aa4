"""What goes into the journal and comes out of it."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Protocol


class Entry(Protocol):
    """What the journal needs of an input: `sources.Item` and `sources.Rejected` have it."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def stamp(self) -> str: ...


@dataclass(frozen=True, eq=False)
class Rows:
    """All cells of one micrograph, as text, and what a relearned head needs.

    field: cells of fields.csv by column; labels: the cells of each row of labels.csv by column;
    domains: CSV lines without header under `domain_columns`; tasks: classes by task, in the bundle's order;
    embedding: float32 little-endian bytes; descriptors: of the field, unrounded (NaN = not measured).
    """

    sha256: str
    field: dict[str, str]
    labels: list[dict[str, str]]
    domain_columns: tuple[str, ...]
    domains: str
    tasks: dict[str, tuple[str, ...]]
    descriptors: dict[str, float]
    embedding: bytes
    bundle: str
    provider: str
    precision: str


@dataclass(frozen=True, eq=False)
class Measured:
    """A done micrograph (or an alias of one, without rows) as the journal holds it.

    What is `packed_*` is unpacked when it is asked for: a journal has 50,000 of them and most readers want little.
    """

    name: str
    sha256: str
    duplicate_of: str
    processed_at: str
    bundle: str
    provider: str
    precision: str
    packed_field: str
    packed_labels: str
    domain_columns: tuple[str, ...]
    packed_domains: bytes
    packed_descriptors: str
    embedding: bytes

    @cached_property
    def field(self) -> dict[str, str]:
        """Cells of fields.csv by column."""
        return json.loads(self.packed_field)

    @cached_property
    def labels(self) -> list[dict[str, str]]:
        """The cells of each row of labels.csv by column."""
        return json.loads(self.packed_labels)

    @cached_property
    def descriptors(self) -> dict[str, float]:
        """Descriptors of the field, unrounded (NaN: not measured)."""
        return json.loads(self.packed_descriptors)

    @property
    def domains(self) -> str:
        """CSV lines of its domains."""
        return zlib.decompress(self.packed_domains).decode() if self.packed_domains else ""


def packed(domains: str) -> bytes:
    """CSV lines of domains as the journal stores them."""
    # The fastest level: a tenth larger than the default's, a quarter of its time, which a batch and a relabel feel.
    return zlib.compress(domains.encode(), level=1)


@dataclass(frozen=True)
class Verdict:
    """What other heads say of a micrograph that is done; cells as in `Rows`, domains packed as in `Measured`."""

    name: str
    labels: list[dict[str, str]]
    domain_columns: tuple[str, ...]
    packed_domains: bytes


@dataclass(frozen=True)
class Quarantined:
    """An input that could not be used."""

    name: str
    reason: str
    detail: str
    first_seen: str
    tries: int


@dataclass(frozen=True)
class Held:
    """An input that is seen and not ready."""

    name: str
    reason: str
    detail: str
    since: str
    tries: int


def measured(row: tuple[Any, ...]) -> Measured:
    """A `Measured` of its columns in the journal."""
    name, sha256, duplicate_of, processed_at, bundle, provider, precision, *rest = row
    field, labels, columns, domains, descriptors, embedding = rest
    return Measured(
        name=name,
        sha256=sha256,
        duplicate_of=duplicate_of,
        processed_at=processed_at,
        bundle=bundle,
        provider=provider,
        precision=precision,
        packed_field=field,
        packed_labels=labels,
        domain_columns=_columns(columns) if columns else (),
        packed_domains=domains or b"",
        packed_descriptors=descriptors,
        embedding=embedding or b"",
    )


@lru_cache(maxsize=64)
def _columns(header: str) -> tuple[str, ...]:
    """Nearly all micrographs of a run share one header."""
    return tuple(json.loads(header))
