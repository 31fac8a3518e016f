"""The demo world: invented persons, keys made on the spot."""
