"""PTX by hand: a module with one kernel, `test`, of which only the body matters."""

from __future__ import annotations

import shutil

import pytest

needs_gcc = pytest.mark.skipif(
    shutil.which("gcc") is None, reason="gcc, which the executor needs, is not installed"
)


def ptx(*body: str, parameters: str = ".param .u64 array", directives: str = "") -> str:
    """The array's address is in %rd0; %r, %rd and %p with 0 to 99 are registers."""
    return "\n".join(
        [
            ".version 9.0",
            ".target sm_90",
            ".address_size 64",
            f".visible .entry test({parameters}) {directives} {{",
            ".reg .pred %p<100>;",
            ".reg .b32 %r<100>;",
            ".reg .b64 %rd<100>;",
            "ld.param.u64 %rd0, [array];",
            *body,
            "ret;",
            "}",
        ]
    )
