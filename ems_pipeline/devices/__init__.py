"""Hardware: point maps (data files), the driver contract, one module per protocol."""
