"""The command `lsr`: a thin door to the library. Installed under the import name `lsr_cli`."""
