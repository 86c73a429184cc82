"""The glossary holds every word of our own that names a module, once."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Words that an engineer of web applications knows without us.
_ORDINARY = """
access account acting activity acts addresses admin agents api apply approving audit authority bodies breaker bulkhead caching calls cart catalogue
causes cells chart check checkout checks cli columns commands config configuration confirming context contributions cookies core counts
containing csrf dashboard data database databases deadlines deliveries delivery demo denied deployment design dev devices diffs dismiss document documents encrypted engine
errors event events everyone explain export external factor feed fields files filter filters flags fork form forms forums
fusionauth garbage graph group groups guest guests headers health help hosts html id idempotency idp ids inbound inbox incidents
ini init jobs json key keys labels letters lifecycle limit limits links list listing lists live log login logs lookup mail
main map mapping markdown markers members mentions merging methods metrics migrate migrations model moderate moderation
network new notes notices notifications numbers only openapi operations options order orders outbound outgoing overview page pages paging parts passkeys
password permissions person personal plans policy post posts prepared problem problems processes products progress proxies public
purge queries queue rate read readiness reasons records redirect redirects refusals renewal reports request requests
responses restock resubmit resume revocation revocations revoke risk routes rows rules safe sample saved schema schemas scope search
security select selection services serving session sessions settings shortcuts signals signin signup site sites statements
store supervisor tables tail targets templating terminal text texts throttle timeline timing token tokens topic topics totals
transport tweens two types user users values view views vocabulary web webhooks well widgets worker writing
"""
ORDINARY = frozenset(_ORDINARY.split())
ROW = re.compile(r"^\| ([^|]+) \|", re.MULTILINE)


def terms() -> list[str]:
    """The words that the glossary explains, each as it stands in the first column."""
    rows = ROW.findall((ROOT / "docs" / "glossary.md").read_text())
    return [term.strip() for row in rows[1:] for term in row.split(",") if not set(row) <= {"-"}]


def test_every_word_of_a_modules_name_is_ordinary_or_explained():
    explained = {word for term in terms() for word in re.findall(r"[a-z]+", term.lower())}
    words: dict[str, str] = {}
    for path in (ROOT / "shopforum").rglob("*.py"):
        if "dev" not in path.parts and not path.stem.startswith("__"):
            words |= {word: str(path.relative_to(ROOT)) for word in path.stem.split("_")}
    assert {word: path for word, path in words.items() if word not in ORDINARY | explained} == {}


def test_every_word_is_explained_once():
    assert [term for term, times in Counter(terms()).items() if times > 1] == []
    assert len(terms()) > 30
