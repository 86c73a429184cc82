"""Tokens for the API: made on the console or on the command line, checked and counted in one statement a call."""
