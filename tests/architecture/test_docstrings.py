"""The subject of a sentence is a noun, and not a bare "what" or "whether": in docstrings, comments, docs and names of tests."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BARE = re.compile(r'^ *"""((?:What|Who|Whoever|Whether|Which|How|Where|When|Why)\b.*)', re.MULTILINE)
# The beginnings of later sentences. A question is none: it ends with its mark.
SENTENCE = re.compile(
    r'(?:^|[.:;|] |""")((?:What|Who|Whom|Whoever|Whether|Whatever|Whichever) (?:[^.?|]|\.\w)*(?:[.|]|$))'
)
PROSE = re.compile(r'"""(?:[^"]|"(?!""))*"""|(?:^[ ]*#[^\n]*\n)+', re.MULTILINE)
FOLDERS = ("shopforum", "alembic", "tests", "bench")


def bare(text: str) -> list[str]:
    """Return the sentences of a text without its line breaks that begin with a bare question word."""
    return SENTENCE.findall(" ".join(re.sub(r"^\s*# ?", "", text, flags=re.MULTILINE).split()))


def test_no_docstring_begins_with_a_question_word():
    assert BARE.findall('"""What a session is."""\n\ndef f():\n    """Whether it ended."""') == [
        'What a session is."""',
        'Whether it ended."""',
    ]
    files = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): BARE.findall(path.read_text()) for path in files}
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_no_sentence_begins_with_a_bare_question_word():
    assert bare("# It ends. What is left\n# (`a.py`) stays. What ends it?") == [
        "What is left (`a.py`) stays."
    ]
    found = {}
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        if path != Path(__file__):
            found[str(path)] = [one for prose in PROSE.findall(path.read_text()) for one in bare(prose)]
    for path in (ROOT / "docs").glob("*.md"):
        text = re.sub(r"^#.*$", "", path.read_text(), flags=re.MULTILINE)
        found[str(path)] = [one for part in re.split(r"\n\s*\n|\n[-|]", text) for one in bare(part)]
    assert {path: lines for path, lines in found.items() if lines} == {}


def test_no_name_of_a_test_begins_with_a_bare_question_word():
    name = re.compile(r"def (test_(?:what|who|whoever|whether|whatever|whichever)_\w+)")
    assert name.findall("def test_what_is_left_stays():") == ["test_what_is_left_stays"]
    files = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    assert [one for path in files for one in name.findall(path.read_text())] == []
