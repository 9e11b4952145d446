"""Learning rules: how a net changes from a batch, a file a rule."""
