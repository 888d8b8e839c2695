"""`python -m demo INBOX TRUTH`: writes the demonstration retailer's files and nothing else."""

import argparse
from pathlib import Path

from demo import SIZES, write

parser = argparse.ArgumentParser(prog="python -m demo", description="Write the demonstration retailer's exports.")
parser.add_argument("inbox", type=Path, help="folder of the exports: <inbox>/<source>/<file>")
parser.add_argument("truth", type=Path, help="folder of what is true of them")
parser.add_argument("--size", choices=sorted(SIZES), default="small")
parser.add_argument("--seed", type=int, default=2026)

if __name__ == "__main__":
    chosen = parser.parse_args()
    written = write(chosen.inbox, chosen.truth, chosen.size, chosen.seed)
    rows, size = sum(rows for _, rows, _ in written.files), sum(size for _, _, size in written.files)
    parser.exit(message=f"{len(written.files)} files, {rows:,} rows, {size / 1e6:.0f} MB\n")
