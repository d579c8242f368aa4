"""The README of each package is a map: every module stands in it, once, and in the runtime's above all that it uses."""

import re
from pathlib import Path

import pytest

from test_circles import graph_of, modules

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "runtime": "nanomorph",
    "training": "nanomorph_training",
    "export": "nanomorph_export",
    "benchmarks": "nanomorph_benchmarks",
}


def readme(folder: str) -> str:
    return (ROOT / folder / "README.md").read_text(encoding="utf-8")


def rooms(package: Path) -> set[str]:
    """Modules and packages directly below a package."""
    files = {file.stem for file in package.glob("*.py")} - {"__init__", "__main__"}
    return files | {file.parent.name for file in package.glob("*/__init__.py")}


def placed(text: str) -> list[list[str]]:
    """Names of the map, line by line: what its indented lines begin with, `a/ · b (words) · c   words`."""
    lines = re.findall(r"^ {4}(\S.*)$", text.partition("\n## ")[0], re.MULTILINE)
    names = (re.split(r" {2,}", re.sub(r" \(.*?\)", "", line), maxsplit=1)[0] for line in lines)
    return [[name.strip("/ ") for name in line.split("·")] for line in names]


def room(module: str) -> str:
    """`nanomorph.a.b` is of the room `a`; empty where it is none of the runtime's."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == "nanomorph" else ""


@pytest.mark.parametrize("folder", PACKAGES)
def test_every_module_stands_in_its_packages_map_once(folder):
    found = placed(readme(folder))
    assert sorted(name for line in found for name in line) == sorted(rooms(ROOT / folder / PACKAGES[folder]))


def test_each_line_of_the_runtimes_map_uses_what_stands_in_it_or_below():
    place = {name: number for number, line in enumerate(placed(readme("runtime"))) for name in line}
    sources = {name: file.read_text(encoding="utf-8") for name, file in modules().items()}
    uses = {(room(name), room(one)) for name, used in graph_of(sources).items() for one in used}
    above = {(by, used) for by, used in uses if by in place and used in place and place[used] < place[by]}
    assert not above


def test_names_are_read_from_a_map():
    text = "# title\n\n    a/ · b (of c · d)   what they are · e\n    f              more\n\n## Use\n\n    not this\n"
    assert placed(text) == [["a", "b"], ["f"]]
