"""Services of gensets, without a database."""
