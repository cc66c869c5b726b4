"""The command line: one module per subcommand, all on the same engine as the window, none in need of a display."""
