"""Two hundred made-up people, the same ones in every instance."""

import random
import uuid
from dataclasses import dataclass

_FIRST = [
    "Ada",
    "Amir",
    "Anja",
    "Bela",
    "Ben",
    "Carla",
    "Cem",
    "Chloe",
    "Daan",
    "Dilara",
    "Edda",
    "Eli",
    "Emre",
    "Fatou",
    "Finn",
    "Freya",
    "Goran",
    "Hana",
    "Henk",
    "Ida",
    "Ilse",
    "Imani",
    "Ivo",
    "Jana",
    "Jonas",
    "Kaya",
    "Kofi",
    "Lena",
    "Levi",
    "Lina",
    "Luca",
    "Mara",
    "Mateo",
    "Mila",
    "Nia",
    "Nils",
    "Noor",
    "Ola",
    "Oskar",
    "Paul",
    "Petra",
    "Quinn",
    "Rafa",
    "Rosa",
    "Sami",
    "Selma",
    "Tariq",
    "Thea",
    "Ugo",
    "Vera",
    "Wanda",
    "Yara",
    "Zoe",
]
_LAST = [
    "Adler",
    "Bakker",
    "Berg",
    "Bianchi",
    "Boateng",
    "Castro",
    "Dahl",
    "Demir",
    "Dubois",
    "Engel",
    "Farah",
    "Fischer",
    "Garcia",
    "Haas",
    "Hansen",
    "Ito",
    "Jansen",
    "Kaya",
    "Keller",
    "Khan",
    "Kowalski",
    "Larsen",
    "Lind",
    "Lopez",
    "Marin",
    "Mensah",
    "Meyer",
    "Moreau",
    "Novak",
    "Okafor",
    "Olsen",
    "Park",
    "Petrov",
    "Quist",
    "Ricci",
    "Rossi",
    "Sato",
    "Schmidt",
    "Silva",
    "Sorensen",
    "Tan",
    "Thomsen",
    "Varga",
    "Vogel",
    "Weber",
    "Yilmaz",
    "Zeman",
]


@dataclass(frozen=True)
class Person:
    """Somebody in the sample data; `email` ends in a domain that exists nowhere (RFC 2606)."""

    id: uuid.UUID
    first_name: str
    last_name: str
    email: str

    @property
    def name(self) -> str:
        """As the sites show it."""
        return f"{self.first_name} {self.last_name}"


def crowd(dice: random.Random, size: int = 200) -> list[Person]:
    """`size` people with different e-mail addresses; the same for the same dice."""
    pairs = [(first, last) for first in _FIRST for last in _LAST]
    people = []
    for first, last in dice.sample(pairs, size):
        email = f"{first}.{last}@crowd.example".lower()
        people.append(Person(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{email}"), first, last, email))
    return people
