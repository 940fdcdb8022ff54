"""Spontaneous activity: what the muscles do between the stimuli."""
