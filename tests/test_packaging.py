"""What is installed is what is in the repository, and the README tells the truth."""

from __future__ import annotations

import re
import shlex
import tomllib
from itertools import chain
from pathlib import Path

import pytest

import quorate
from quorate.cli.app import main

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()


def test_every_folder_with_code_is_a_listed_package() -> None:
    """An unlisted subpackage would silently be left out of the wheel."""
    folders = {p.parent for top in ("chain", "cli", "kernels", "miner") for p in (ROOT / top).rglob("*.py")}
    expected = {"quorate"} | {"quorate." + ".".join(f.relative_to(ROOT).parts) for f in folders}
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == expected


def test_kernel_texts_are_installed() -> None:
    installed = Path(quorate.__file__).parent / "kernels" / "c"
    for text in (*(ROOT / "kernels" / "c").glob("*.cl"), *(ROOT / "kernels" / "c").glob("*.h")):
        assert (installed / text.name).read_text() == text.read_text()
    assert list(installed.glob("*.cl"))


def test_every_dependency_is_bounded() -> None:
    project = PROJECT["project"]
    for requirement in chain(project["dependencies"], *project["optional-dependencies"].values()):
        assert "<" in requirement or requirement.startswith("quorate["), requirement


def test_the_public_api_is_what_it_says() -> None:
    assert quorate.__all__ == sorted(quorate.__all__)
    assert all(getattr(quorate, name) is not None for name in quorate.__all__)


def test_commands_of_the_readme_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vectors: Path) -> None:
    """Each command shown in the README is fine, or says no where the README says that it does."""
    for name, its in (
        ("headers.bin", "headers/mainnet_0_10236.bin"),
        ("block.raw", "blocks/mainnet_866342.raw"),
        ("prevouts.json", "blocks/mainnet_866342_prevouts.json"),
        ("blk00000.dat", "blocks/mainnet_1_255.dat"),
        ("signatures.csv", "signatures/mainnet_866342.csv"),
        ("bip340.csv", "bips/bip340.csv"),
    ):
        (tmp_path / name).write_bytes((vectors / its).read_bytes())
    monkeypatch.chdir(tmp_path)
    lines = re.findall(r"^    \$ (quorate .*)$", README, re.MULTILINE)
    assert len(lines) >= 7
    for line in lines:
        monkeypatch.setattr("sys.argv", shlex.split(line.partition("  #")[0]))
        with pytest.raises(SystemExit) as exited:
            main()
        assert (exited.value.code or 0) == (1 if "exit code 1" in line else 0), line


def test_the_python_examples_of_the_readme_run() -> None:
    examples = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        names: dict[str, object] = {}
        exec(compile(example, "README.md", "exec"), names)
