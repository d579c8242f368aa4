"""docs/descriptors.md, written from the tables of columns: `python -m nanomorph.measure.columns.document`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from nanomorph.measure.columns.table import DOMAIN_COLUMNS, FIELD_COLUMNS, WIRE_COLUMNS, Descriptor

_INTRODUCTION = """# What nanomorph measures

Every column of domains.csv, wires.csv and fields.csv that is measured, in the order of the files. Written by
`python -m nanomorph.measure.columns.document`; a test holds it against the tables and against the files of a run.

- **Units.** `_px` columns are in recorded pixels, `_nm` columns in nanometres: empty where the pixel size is not known.
  Where pixels are not square, `_nm` columns and everything without a unit are measured on square pixels (lengths of
  fields in `_px` are then in px of the shorter side).
- **Domains** are the 8-connected pieces of foreground; touching particles are cut apart where their shape or the model
  asks for it. `domain` is a domain's value in masks/. A field of particles leaves out what the model is not sure of
  (never half of the material, nor what has a quarter to four times the usual area of 30 or more that it is sure of),
  and crumbs: below a hundredth of its largest whole particle's area, if all are 5 % at most. A domain is *compact*
  where its area is at most 2.8 times its largest inscribed circle's, as of triangles and of bars twice as long as wide.
- **Wires** are the paths that run through a domain. Two crossed wires are one domain (one piece of material, one row of
  domains.csv) and two rows of wires.csv, whose `domain` names it. Only paths at least three widths long are wires: a
  particle has none.
- **`_low` and `_high`** of areas and widths are bounds, no 95 % intervals: the outline at three and at one quarter of
  an edge's flank. Of 495 drawn particles of 24 to 60 px, blurred by 1 to 2.5 px, with a contrast of 1.6 to 5.5 times
  the noise, they held the true area of every one, and were 7 to 39 % of it away; the area itself was off by .3 to 5 %.
"""
_TABLES: tuple[tuple[str, str, Sequence[Descriptor]], ...] = (
    ("domains.csv", "One row per domain.", DOMAIN_COLUMNS),
    ("wires.csv", "One row per wire.", WIRE_COLUMNS),
    ("fields.csv", "One row per micrograph.", FIELD_COLUMNS),
)


def markdown() -> str:
    """The page."""
    return "".join([_INTRODUCTION, *(text for table in _TABLES for text in _section(*table))])


def _section(file: str, about: str, columns: Sequence[Descriptor]) -> Iterator[str]:
    yield f"\n## {file}\n\n{about}\n\n| column | unit | formula | source |\n|---|---|---|---|\n"
    for c in columns:
        yield f"| `{c.name}` | {c.unit} | {_escaped(c.formula)} | {c.source} |\n"


def _escaped(formula: str) -> str:
    return formula.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    print(markdown(), end="")
