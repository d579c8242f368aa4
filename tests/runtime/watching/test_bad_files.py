"""Every kind of bad file once: none ends the watch, each has its reason or its row."""

import bad_files
from nanomorph.cli.main import main
from runs import rows


def test_each_is_quarantined_or_processed_as_it_should(tiny_bundle, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    expected = bad_files.write(folder, len(bad_files.KINDS))
    command = ["watch", str(folder), "--out", str(out), "--bundle", str(tiny_bundle), "--device", "cpu"]
    assert main([*command, "--settle", "0.1", "--poll", "0.1", "--idle-exit", "0.3", "--memory", "8"]) == 1
    became = {row["input"]: row["reason"] for row in rows(out, "quarantine")}
    became |= {row["micrograph"]: bad_files.DONE for row in rows(out, "fields")}
    became = {name.removeprefix("'"): what for name, what in became.items()}
    wrong = {name: became.get(name) for name, reasons in expected.items() if became.get(name) not in reasons}
    assert wrong == {}
    # A damaged archive may be listed beside its member.
    assert {name for name in set(became) - set(expected) if "!/" not in name} == set()
