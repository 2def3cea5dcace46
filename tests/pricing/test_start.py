"""The server starts without the libraries that single mechanisms need."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADED = "import pricing.methods, sys; print(sorted({'numpy', 'scipy', 'networkx'} & set(sys.modules)))"


def test_no_mechanism_loads_its_library_before_it_is_asked():
    run = subprocess.run([sys.executable, "-c", LOADED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
