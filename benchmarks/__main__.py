"""`make bench`: every measurement, printed as ratios."""

import argparse
import tempfile
from pathlib import Path

from benchmarks import building, loading, pages, small_files

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--rows", type=int, default=10_000_000, help="lines of the file to load")
parser.add_argument("--files", type=int, default=2000, help="small files to load")
parser.add_argument("--rounds", type=int, default=3, help="times each contender runs")
parser.add_argument("--size", default="small", choices=["small", "medium"], help="the retailer to build and to show")
parser.add_argument("--only", choices=["loading", "small", "building"], help="one measurement alone; building includes the pages")
arguments = parser.parse_args()

with tempfile.TemporaryDirectory(prefix="omnikpi-bench-") as scratch:
    if arguments.only in (None, "loading"):
        loading.main(Path(scratch) / "loading", arguments.rows, arguments.rounds)
    if arguments.only in (None, "small"):
        small_files.main(Path(scratch) / "small", arguments.files, arguments.rounds)
    if arguments.only in (None, "building"):
        pages.main(building.main(Path(scratch) / "building", arguments.size, arguments.rounds))
