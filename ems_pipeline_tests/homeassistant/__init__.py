"""Home Assistant hears of the sites, and what it wants is a bounded wish."""
