"""Watch a folder of bad files of every kind, and compare what became of each with what should.

python tests/soak/bad_files_soak.py --work /tmp/bad --files 200 [--bundle BUNDLE]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from pathlib import Path

from tally import rows

sys.path.insert(0, str(Path(__file__).parents[1]))
import bad_files


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--bundle", type=Path)
    options = parser.parse_args()
    folder, out = options.work / "in", options.work / "out"
    folder.mkdir(parents=True)
    expected = bad_files.write(folder, options.files)
    command = [sys.executable, "-m", "nanomorph.cli.main", "watch", str(folder), "--out", str(out), "--device", "cpu"]
    command += ["--settle", "1", "--poll", "0.5", "--idle-exit", "5"]
    command += ["--bundle", str(options.bundle)] if options.bundle else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    became = {row["input"].removeprefix("'"): row["reason"] for row in rows(out / "quarantine.csv")}
    became |= {row["micrograph"].removeprefix("'"): bad_files.DONE for row in rows(out / "fields.csv")}
    wrong = {name: became.get(name) for name, reasons in expected.items() if became.get(name) not in reasons}
    print(f"{len(expected)} files of {len(bad_files.KINDS)} kinds; exit code {done.returncode}")
    for reason, n in Counter(became[name] for name in expected if name in became).most_common():
        print(f"{n:>6} {reason}")
    print(f"tracebacks: {done.stderr.count('Traceback')}, wrong or missing: {len(wrong)} {wrong or ''}")
    return int(bool(wrong) or done.returncode not in (0, 1) or "Traceback" in done.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
