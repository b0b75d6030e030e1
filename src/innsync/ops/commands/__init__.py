"""One module a subcommand of `innsync`; see innsync.ops.cli."""
