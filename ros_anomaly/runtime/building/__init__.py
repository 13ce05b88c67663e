"""Building engines for this machine: options, cache, lock, staleness, and int8 by Q/DQ nodes."""
