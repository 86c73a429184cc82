"""Search: what it finds, in which order, and what it must never show."""

import re
from urllib.parse import quote
from uuid import uuid4

import pytest
from clocks import age
from forums.forum_actions import QUICK
from sqlalchemy import Connection, text
from support import Browser

from shopforum.core.database import Database
from shopforum.forums import posts, search, writing
from shopforum.forums.paging import NumberedList
from shopforum.forums.person import Person
from shopforum.forums.writing import Placed


@pytest.fixture
def written(db: Database, topic: Placed, ann: Person, bob: Person) -> Placed:
    writing.reply(db, topic.topic_id, bob, "Iron pans need oil. <b>Lots</b> of it.", QUICK)
    writing.start_topic(db, "pens", ann, "Nibs", "A pan is not a pen, and iron gall is an ink.", QUICK)
    return topic


def found(client: Browser, query: str) -> list[str]:
    page = client.get(f"/search?{query}", status=200)
    return [f"{item.h3.text}: {item.find_all('p')[0].text}" for item in page.html.select("ul.topics li")]


def test_titles_count_more(visitor: Browser, written: Placed) -> None:
    assert [line.partition(":")[0] for line in found(visitor, "q=pans")] == [
        "Which pan for eggs?",
        "Nibs",
        "Which pan for eggs?",
    ]
    assert found(visitor, "q=pans")[0].endswith("An iron one, or not?")


def test_words_phrases_and_minus(visitor: Browser, written: Placed) -> None:
    assert len(found(visitor, "q=iron")) == 3
    assert len(found(visitor, "q=%22iron+gall%22")) == 1
    assert len(found(visitor, "q=iron+-gall")) == 2
    assert len(found(visitor, "q=gall+or+oil")) == 2
    assert found(visitor, "q=the") == []
    assert "Nothing found" in visitor.get("/search?q=zebra")


def test_filters(visitor: Browser, db: Database, written: Placed) -> None:
    assert len(found(visitor, "q=iron&category=pens")) == 1
    assert len(found(visitor, "q=iron&author=BOB")) == 1
    assert len(found(visitor, "q=iron&author=nobody")) == 0
    assert len(found(visitor, "q=iron&category=junk&within=junk")) == 3
    age(db, "forum_posts.created_at", 9 * 86400, "id = :id", id=written.post_id)
    assert len(found(visitor, "q=iron&within=week")) == 2
    assert len(found(visitor, "q=iron&within=month")) == 3


def test_without_words_it_lists_what_somebody_wrote(
    visitor: Browser, db: Database, written: Placed, ann: Person
) -> None:
    assert [line.partition(":")[0] for line in found(visitor, "author=aNN")] == [
        "Nibs",
        "Which pan for eggs?",
    ]
    assert found(visitor, "author=%40ann") == found(visitor, "q=&author=Ann")
    assert len(found(visitor, "author=%40ANN&category=pens")) == 1
    writing.reply(db, written.topic_id, Person(uuid4(), "Ann"), "Another of that name", QUICK)
    assert (len(found(visitor, "author=Ann")), len(found(visitor, "author=%40ann-2"))) == (3, 1)
    for nobody in ("%40", "%40%40ann", "%40ann'--", "%40nobody"):
        assert found(visitor, f"author={nobody}") == []


def test_passages_are_whole_or_say_what_they_leave_out(visitor: Browser, db: Database, ann: Person) -> None:
    long = " ".join(f"word{n}" for n in range(60))
    for body in (
        "It stands. There is a stool under the cat.",
        f"{long} stool {long}",
        f"{long} stool.",
        long,
    ):
        writing.start_topic(db, "pens", ann, "The stool", body, QUICK)
    whole, by_title, *others = sorted(line.partition(": ")[2] for line in found(visitor, "q=stool"))
    assert whole == "It stands. There is a stool under the cat."
    assert (by_title[:12], by_title[-2:]) == ("word0 word1 ", " …")
    assert {(text[:2], text[-6:]) for text in others} == {("… ", "stool."), ("… ", "rd24 …")}


def test_the_dearest_search_is_done_in_time(visitor: Browser, db: Database, bob: Person) -> None:
    """Without a limit it runs into the time-out of statements."""
    for _ in range(4):
        writing.start_topic(db, "pens", bob, "Oh", "x " * 9990, QUICK)
    assert len(found(visitor, "q=" + "x+" * 100)) == 4


def test_found_words_are_marked_and_nothing_else_is_markup(visitor: Browser, written: Placed) -> None:
    page = visitor.get("/search?q=oil")
    assert "<mark>oil</mark>" in page
    assert "<b>" not in page.html.select_one("ul.topics").decode()
    assert search.marked("a <script>", "'a'") == "<mark>a</mark> &lt;script&gt;"
    page = visitor.get("/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page


def test_removed_posts_are_not_found(visitor: Browser, db: Database, written: Placed, ann: Person) -> None:
    posts.remove(db, written.post_id, ann)
    assert len(found(visitor, "q=iron")) == 2
    assert len(found(visitor, "q=eggs")) == 0


def test_edits_are_found(visitor: Browser, db: Database, written: Placed, ann: Person) -> None:
    writing.edit(db, written.post_id, ann, "Copper", "", None, QUICK)
    assert len(found(visitor, "q=copper")) == 1
    assert len(found(visitor, "q=iron")) == 2


def test_pages_show_every_match_once(visitor: Browser, db: Database, topic: Placed, bob: Person) -> None:
    for n in range(45):
        writing.reply(db, topic.topic_id, bob, f"Spoon number {n}. " + "spoon " * (n % 3), QUICK)
    page = visitor.get("/search?q=spoon")
    seen: list[str] = []
    for turn in range(3):
        if turn:
            page = page.click("^Next$")
        seen += [link["href"] for link in page.html.select("ul.topics h3 a")]
    assert len(seen) == len(set(seen)) == 45
    assert page.html.select("a[rel=next]") == []
    assert page.html.select("a[rel=prev]")
    assert page.html.title.text.startswith("Search: spoon (page 3)")


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (search.Query("iron"), "ix_forum_posts_terms"),
        (search.Query('"iron gall"'), "ix_forum_posts_terms"),
        (search.Query("iron", author="@ann"), "ix_forum_posts_terms"),
        (search.Query(author="@ann"), "ix_forum_posts_author_id_id"),
        (search.Query(author="Ann"), "ix_forum_posts_author_name_id"),
    ],
)
def test_the_index_is_used(db: Database, written: Placed, query: search.Query, index: str) -> None:
    listed = search.results(query)
    with db.transaction() as connection:
        # With so few posts every other way is as cheap: only the index that knows the words is left to choose.
        for way in ("seqscan", "indexscan", "indexonlyscan", "nestloop"):
            connection.execute(text(f"SET LOCAL enable_{way} = off"))
        plan = explained(connection, listed)
    assert index in plan


def explained(connection: Connection, listed: NumberedList[search.Match]) -> str:
    sql = listed.statement._text
    values = {**listed.values, "rows": 21, "skip": 0}
    return "\n".join(connection.exec_driver_sql("EXPLAIN " + sql, values).scalars())


def many(db: Database, like: Placed, count: int, body: str, first_id: int = 0) -> None:
    """Write copies of a post with another text, as far apart as years would bring them."""
    db.all(
        text("""
        INSERT INTO forum_posts (id, topic_id, number, author_id, author_name, body) OVERRIDING SYSTEM VALUE
        SELECT greatest((SELECT max(id) FROM forum_posts), :first_id) + n, p.topic_id, 1000000 + :first_id + n, p.author_id,
          p.author_name, :body
        FROM forum_posts p, generate_series(1, :count) n WHERE p.id = :like RETURNING 1"""),
        like=like.post_id,
        count=count,
        body=body,
        first_id=first_id,
    )


def test_a_search_goes_back_through_the_years(visitor: Browser, db: Database, written: Placed) -> None:
    many(db, written, 2, "A copper kettle", 20_000)
    many(db, written, 1, "A copper pot, and iron", 200_000)
    bodies = [line.partition(": ")[2] for line in found(visitor, "q=copper")]
    assert bodies == ["A copper pot, and iron", "A copper kettle", "A copper kettle"]
    assert len(found(visitor, "q=iron")) == 4
    assert len(found(visitor, "q=copper+-kettle")) == 1
    assert len(found(visitor, "q=-kettle")) == 4
    assert len(found(visitor, "q=copper+or+eggs")) == 4
    assert len(found(visitor, "q=copper&author=%40ann")) == 3
    assert len(found(visitor, "q=copper&author=bob")) == 0
    assert "These are not all" not in visitor.get("/search?q=copper")
    odd = r"O'Neil \\ 'x"
    writing.reply(db, written.topic_id, Person(uuid4(), odd), "A copper pipe", QUICK)
    assert len(found(visitor, f"q=copper&author={quote(odd)}")) == 1
    assert found(visitor, f"q=copper&author={quote('ONeil   x')}") == []


def test_a_common_word_finds_the_newest_and_says_so(visitor: Browser, db: Database, written: Placed) -> None:
    for first_id in (20_000, 200_000):
        many(db, written, 260, "A copper kettle", first_id)
    many(db, written, search.LOOKED_AT + 100, "A common kettle", 400_000)
    page = visitor.get("/search?q=kettle")
    assert "the newest 500 posts with these words" in page
    assert "500 posts, titles first" in page
    assert "kettle" in found(visitor, "q=kettle&page=26")[0]
    assert "common" in found(visitor, "q=kettle&page=26")[0]
    # A title is found, however many newer posts have the word; an older text by another word or by its author.
    assert found(visitor, "q=pan")[0].endswith("An iron one, or not?")
    many(db, written, search.LOOKED_AT + 100, "pan", 500_000)
    assert found(visitor, "q=pan")[0].endswith("An iron one, or not?")
    assert len(found(visitor, "q=pan+iron+gall")) == 1
    assert len(found(visitor, "q=iron&author=bob")) == 1
    assert "These are not all" not in visitor.get("/search?author=%40ann")


def test_a_filter_that_leaves_none_of_the_newest_does_not_say_that_there_are_none(
    visitor: Browser, db: Database, written: Placed
) -> None:
    many(db, written, search.LOOKED_AT + 100, "Iron again", 400_000)
    page = visitor.get("/search?q=iron&category=pens")
    assert "Nothing found" in page
    assert "only the newest posts are searched" in page
    # A list of an author's posts is of no words.
    assert "only the newest posts are searched" not in visitor.get("/search?author=nobody")


def test_excluded_phrases_alone_find_the_other_posts(visitor: Browser, written: Placed) -> None:
    everything = found(visitor, "author=bob")
    assert everything
    assert sorted(found(visitor, "q=-%22no+such+phrase%22&author=bob")) == sorted(everything)
    assert found(visitor, "q=zinc+or+-%22no+such+phrase%22")


def test_the_newest_stretches_are_enough(db: Database, written: Placed) -> None:
    """Of the older stretches nothing is read."""
    for first_id in range(20_000, 200_000, 20_000):
        many(db, written, 60, "A copper kettle", first_id)
    many(db, written, search.LOOKED_AT + 100, "A copper kettle", 400_000)
    listed = search.results(search.Query("kettle"))
    with db.transaction() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        sql = "EXPLAIN (ANALYZE, TIMING off) " + listed.statement._text
        plan = list(connection.exec_driver_sql(sql, {**listed.values, "rows": 20, "skip": 0}).scalars())
    loops = [re.search(r"loops=(\d+)", line)[1] for line in plan if "on ix_forum_posts_terms" in line]
    # The first list is of titles, which goes back to the beginning.
    assert min(map(int, loops)) == 1, plan


FORGIVEN = [
    ("knives", "A knife for bread"),
    ("knife", "Two knives for cheese"),
    ("leaf", "Turn the leaves over"),
    ("cafe", "The café by the harbour"),
    ("café", "Cafe without an accent"),
    ("Zurich", "A shop in Zürich"),
    ("sharpen", "Sharpening takes an hour"),
    ("sharp", "Sharpening takes an hour"),
    ("求助", "新手求助, 哪种锅好用?"),
    ("鍋", "鉄の鍋を買いました"),
    ("サウナ", "昨日はサウナに行った"),
    ("서울", "서울에서 샀어요"),
    ("battery", "Two batteries"),
]


@pytest.mark.parametrize(("query", "body"), FORGIVEN)
def test_search_forgives(
    visitor: Browser, db: Database, topic: Placed, bob: Person, query: str, body: str
) -> None:
    placed = writing.reply(db, topic.topic_id, bob, body, QUICK)
    page = visitor.get("/search", {"q": query}, status=200)
    assert f"post={placed.post_id}#" in page
    assert "1 post, titles first" in page
    assert page.html.select("ul.topics mark"), "the word is marked as it is written"


def test_characters_of_a_word_stand_together(
    visitor: Browser, db: Database, topic: Placed, bob: Person
) -> None:
    writing.reply(db, topic.topic_id, bob, "助人为乐, 求知若渴", QUICK)
    assert "Nothing found" in visitor.get("/search", {"q": "求助"})


def test_a_query_and_the_posts_lose_the_same_accents(db: Database) -> None:
    texts = ["Ångström naïve Crème Ø ß ﬁn", "e\u0301 é", "ガ が ﾊﾟ", "한국어 각", "Việt Nam", "x²"]
    for one in texts:
        found = db.only(text("SELECT forum_words(:words) AS words"), words=one)["words"]
        assert found.replace(" ", "") == search.plain_letters(one).replace(" ", ""), one


QUERIES = [
    "'",
    '"',
    '"a" b" -',
    "-",
    "- -x or",
    "or or",
    "a & | ! ( ) : * <-> '' \\",
    '-"" -\'',
    "x:* y:A",
    "% %(viewer)s",
]


@pytest.mark.parametrize("query", QUERIES)
def test_no_query_is_an_error(visitor: Browser, written: Placed, query: str) -> None:
    visitor.get("/search", {"q": query}, status=200)


def test_an_author_without_posts_is_said_to_have_none(visitor: Browser) -> None:
    page = visitor.get("/search?author=nobody-at-all")
    assert "Nothing found" in page
    assert "common words" not in page
