"""Where the benchmarks find and put things. Imports nothing beyond the standard library, so that any python3 can start them."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HERE = os.path.join(ROOT, "Benchmarks")
CACHE = os.path.join(ROOT, ".cache", "bench")
PYTHON = os.path.join(CACHE, "venv", "bin", "python")
BIN = os.path.join(CACHE, "bin")
WORK = os.path.join(CACHE, "run")  # configurations, logs and tokens of the newest run
BRIDGE = os.environ.get("BRIDGE") or os.path.join(ROOT, ".build", "release", "bridge")


def use_own_python():
    """Goes on in the benchmark's own environment, the only one that has the clients."""
    if sys.executable != PYTHON:
        os.execv(PYTHON, [PYTHON, os.path.abspath(sys.argv[0]), *sys.argv[1:]])
