"""API tokens: created on the console or on the command line, checked and counted by one statement a call."""
