"""No module imports itself through others, also not inside functions: each rests on what lies below it alone."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("runtime", "training", "export", "benchmarks")


def modules() -> dict[str, Path]:
    """Files of all packages by the name that they are imported by."""
    files = [
        (folder, file) for name in PACKAGES for folder in [ROOT / name] for file in folder.glob("nanomorph*/**/*.py")
    ]
    return {
        ".".join(file.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): file
        for folder, file in files
    }


def executed(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below, without what is there for type checkers alone."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"):
            yield child
            yield from executed(child)


def imported(source: str) -> Iterator[str]:
    """Names that may be modules; `from a import b` names `a.b` where that is one (see `graph_of`), else `a`."""
    for node in executed(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph_of(sources: dict[str, str]) -> dict[str, set[str]]:
    """By module: the others of these that it imports."""
    found = {}
    for name, source in sources.items():
        wanted = {one if one in sources else one.rpartition(".")[0] for one in imported(source)}
        found[name] = wanted & set(sources) - {name}
    return found


def test_no_module_imports_itself_through_others():
    sources = {name: file.read_text(encoding="utf-8") for name, file in modules().items()}
    assert len(sources) > 200
    TopologicalSorter(graph_of(sources)).prepare()  # raises CycleError, which names the circle


def test_a_circle_inside_a_function_is_found():
    sources = {"a": "def f():\n    from b import g", "b": "import c.d", "c.d": "from a import f"}
    with pytest.raises(ValueError, match="cycle"):
        TopologicalSorter(graph_of(sources)).prepare()
