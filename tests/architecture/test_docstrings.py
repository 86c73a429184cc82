"""A docstring's first line says what the thing is or does, with a noun or a verb, and not by a bare "what" or "whether"."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BARE = re.compile(r'^ *"""((?:What|Who|Whoever|Whether|Which|How|Where|When|Why)\b.*)', re.MULTILINE)


def test_no_docstring_begins_with_a_question_word():
    assert BARE.findall('"""What a session is."""\n\ndef f():\n    """Whether it ended."""') == [
        'What a session is."""',
        'Whether it ended."""',
    ]
    files = [path for folder in ("shopforum", "alembic", "tests") for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): BARE.findall(path.read_text()) for path in files}
    assert {path: lines for path, lines in found.items() if lines} == {}
