"""What a run writes down: events, the record of them, settings as TOML, files that are whole or absent (no torch)."""
