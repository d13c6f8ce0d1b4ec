"""Prints the folder of an installed package."""
import importlib.util
import pathlib
import sys

print(pathlib.Path(importlib.util.find_spec(sys.argv[1]).origin).parent)
