"""Cleaning: what stimulation, mains and neighbours leave in a sweep, and how it is taken out."""
