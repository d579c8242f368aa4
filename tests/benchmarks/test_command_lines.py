"""Every benchmark is a command: its options can be told from its dataclass."""

import pkgutil
from importlib import import_module

import pytest
from argparse_dataclass import ArgumentParser

import nanomorph_benchmarks

MODULES = [module.name for module in pkgutil.iter_modules(nanomorph_benchmarks.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_options_make_a_command_line(name: str) -> None:
    try:
        module = import_module(f"nanomorph_benchmarks.{name}")
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    if hasattr(module, "main") and hasattr(module, "Options"):
        assert "--out" in ArgumentParser(module.Options).format_help()
