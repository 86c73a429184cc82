"""Mail that the sites send. A package writes the texts of its letters; `outgoing.py` queues and sends them."""
