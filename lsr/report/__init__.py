"""Reports: findings with where they came from, and their renderings as text, JSON and table."""
