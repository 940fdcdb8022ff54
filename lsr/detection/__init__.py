"""Detection: what the sweeps of one muscle in one block show."""
