"""Names in TensorRT's published Python bindings, read as bytes: the module itself needs a GPU's libraries to import.

    pip download --no-deps -d /tmp/trt "tensorrt-cu13-bindings>=10.16,<11"
    pip download --no-deps -d /tmp/trt "tensorrt-cu13-bindings>=11,<12"
    python tests/runtime/engines/tensorrt_names/collect.py /tmp/trt/*.whl

writes tensorrt-VERSION.txt beside this file: every C string of the compiled module that is an identifier. Linkers
merge a string with the end of another (`Logger` lies in `ILogger`), so a name counts as present where a listed one
ends with it.
"""

import re
import sys
import textwrap
import zipfile
from pathlib import Path


def names(wheel: Path) -> set[str]:
    """Identifiers of 3 to 50 letters among the module's C strings, mangled C++ ones left out."""
    with zipfile.ZipFile(wheel) as archive:
        module = next(name for name in archive.namelist() if name.endswith("tensorrt.so"))
        found = re.findall(rb"(?<=\0)([A-Za-z][A-Za-z0-9_]{2,50})(?=\0)", archive.read(module))
    return {name.decode() for name in found if not name.startswith((b"_Z", b"Py"))}


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        wheel = Path(argument)
        version = wheel.name.split("-")[1]
        text = textwrap.fill(" ".join(sorted(names(wheel))), 118, break_on_hyphens=False)
        Path(__file__).with_name(f"tensorrt-{version}.txt").write_text(text + "\n")
