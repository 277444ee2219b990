"""Makes every OpenCL implementation of this machine visible to one process.

    eval "$(python ci/opencl.py DIR)"

collects in DIR the `.icd` files by which OpenCL's loader finds implementations, and prints the
environment to set: Intel's runtime from pip (`intel-opencl-rt` with `intel-cmplr-lib-rt`) and what the
system has installed (Debian's `pocl-opencl-icd`, `mesa-opencl-icd`). PoCL and Oclgrind from pip need no
such file, because pyopencl's own loader always adds those that lie beside it.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

SYSTEM = Path("/etc/OpenCL/vendors")


def intel_libraries() -> list[Path]:
    try:
        listed = files("intel-opencl-rt") or []
    except PackageNotFoundError:
        return []
    return [Path(str(file.locate())).resolve() for file in listed if file.name == "libintelocl.so"]


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} DIR")
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for icd in SYSTEM.glob("*.icd"):
        shutil.copy(icd, folder / icd.name)
    for library in intel_libraries():
        (folder / "intel-pip.icd").write_text(f"{library}\n")
    print(f"export OCL_ICD_VENDORS={shlex.quote(str(folder))}")
    # Mesa's rusticl has no device until one of its drivers is named.
    print("export RUSTICL_ENABLE=llvmpipe")


if __name__ == "__main__":
    main()
