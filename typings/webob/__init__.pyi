"""The parts of WebOb that shopforum uses; WebOb has no annotations of its own."""
