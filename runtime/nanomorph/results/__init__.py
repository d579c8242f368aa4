"""What a run leaves behind: tables, masks and overlays."""

from nanomorph.journal import Rows
from nanomorph.results.export import domain_tables, export_tables, micrograph_tables
from nanomorph.results.masks import write_mask
from nanomorph.results.overlays import write_overlay
from nanomorph.results.paths import remove_results, result_path
from nanomorph.results.tables import rows_of
from nanomorph.results.wires import write_wires

__all__ = [
    "Rows",
    "domain_tables",
    "export_tables",
    "micrograph_tables",
    "remove_results",
    "result_path",
    "rows_of",
    "write_mask",
    "write_overlay",
    "write_wires",
]
