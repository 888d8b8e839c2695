"""Speed and memory, always as ratios in one run: absolute seconds belong to the machine they were measured on."""
