"""The subcommands of ``convbook``, one a module; none loads torch before it needs it."""
