"""The `sihu` command: one module a subject, one function a command."""
