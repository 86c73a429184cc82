"""The store's forms."""

from typing import Any

from wtforms import Form, IntegerField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Regexp

# More than any stock; keeps sums of quantities far from what an integer holds.
_MOST = 1_000_000

COUNTRIES = (
    ("AT", "Austria"),
    ("BE", "Belgium"),
    ("CH", "Switzerland"),
    ("DE", "Germany"),
    ("DK", "Denmark"),
    ("FR", "France"),
    ("IT", "Italy"),
    ("LU", "Luxembourg"),
    ("NL", "Netherlands"),
    ("PL", "Poland"),
)


class _Quantity(IntegerField):
    """A whole number; more than anybody could have counts as just too many."""

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Enter a whole number.") from None
        if self.data is not None:
            self.data = min(self.data, _MOST)


class AddForm(Form):
    """How many to put into the cart."""

    quantity = _Quantity(
        "Quantity",
        [NumberRange(min=1, message="Enter 1 or more.")],
        render_kw={"min": 1, "inputmode": "numeric", "autocomplete": "off"},
    )


class ChangeForm(Form):
    """How many shall be in the cart; 0 takes the line out."""

    quantity = _Quantity(
        "Quantity",
        [InputRequired("Enter how many."), NumberRange(min=0, message="Enter 0 or more.")],
    )


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
        render_kw={"autocomplete": autocomplete, "maxlength": longest},
        **more,
    )


class AddressForm(Form):
    """Where an order goes."""

    name = _line("Full name", "your name", "shipping name")
    street = _line("Street and number", "the street and number", "shipping street-address")
    postal_code = _line(
        "Postal code",
        "the postal code",
        "shipping postal-code",
        12,
        validators=[Regexp(r"[A-Za-z0-9 -]+\Z", message="A postal code has letters, digits and hyphens.")],
    )
    city = _line("Town or city", "the town or city", "shipping address-level2")
    country = SelectField(
        "Country",
        choices=[SelectChoice(value=code, label=name) for code, name in COUNTRIES],
        default="DE",
        render_kw={"autocomplete": "shipping country"},
    )
