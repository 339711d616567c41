# SPDX-License-Identifier: ISC
"""Fixtures and helpers of the end-to-end tests serve here, too."""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "e2e")]

from control import fixture_shim  # noqa: E402,F401
