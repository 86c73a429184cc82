import re
from collections.abc import Mapping, Sequence

class ValidationRules:
    postal_code_matchers: Sequence[re.Pattern[str]]
    postal_code_examples: Sequence[str]

def get_validation_rules(address: Mapping[str, str]) -> ValidationRules: ...
