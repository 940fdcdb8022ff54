"""Files in and out: an adapter for each format, each giving the same `Recording`."""
