"""The one table of what nanomorph measures: name, unit, formula and source of every column, in CSV order.

Columns come in recorded pixels (`_px`) and, where the pixel size is known, in nanometres (`_nm`, empty
otherwise). Where pixels are not square, `_nm` columns and everything without a unit are measured on square
pixels, `_px` columns on the recorded ones (x and y alike).
"""

from nanomorph.measure.columns.descriptor import Descriptor
from nanomorph.measure.columns.domains import DOMAIN_COLUMNS, SHAPE_DESCRIPTORS
from nanomorph.measure.columns.fields import FIELD_COLUMNS, FIELD_DESCRIPTORS
from nanomorph.measure.columns.wires import WIRE_COLUMNS

__all__ = [
    "DOMAIN_COLUMNS",
    "FIELD_COLUMNS",
    "FIELD_DESCRIPTORS",
    "SHAPE_DESCRIPTORS",
    "WIRE_COLUMNS",
    "Descriptor",
]
