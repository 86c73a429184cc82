"""Rows of the workflow under FusionAuth's secure deployment guide; `make guide` plays all of them."""

import pytest
from support import checked
from workflow import test_attacks, test_forums, test_store

pytestmark = pytest.mark.usefixtures("secure_guide")


def test_a_login_and_refreshes_with_one_time_tokens(refreshing, idp, sql, idle_out):
    test_store.test_w13_to_w17_an_expired_session_is_refreshed_in_the_same_response(
        refreshing, idp, sql, idle_out
    )
    store, call = refreshing
    for _ in range(2):
        idle_out()
        idp.forget_calls()
        store.get(test_store.CART, status=200)
        assert [f"{one['method']} {one['path']}" for one in idp.calls()][-1] == call
    [row] = sql("SELECT roles FROM sessions")
    assert row["roles"] == ["shopper"]


def test_check_finds_nothing_wrong_with_the_guide(write_ini):
    wrong, output = checked(write_ini())
    assert not wrong, output
    assert "OneTimeUse with 60 s of grace, SlidingWindowWithMaximumLifetime, and live 1 days" in output


def test_the_end_of_a_token_leads_to_the_login_and_back(forums, idp, idle_out):
    test_forums.test_w33_a_dead_refresh_token_leads_to_the_login_and_back(forums, idp, idle_out)


def test_a_replay_ends_the_session_and_the_login_after_it_wants_a_code(
    store, idp, sql, idle_out, thief, later
):
    test_attacks.test_a3_a_spent_pair_that_comes_back_ends_the_session_here_and_upstream(
        store, idp, sql, idle_out, thief, later
    )
    idp.forget_calls()
    store.log_in("shopper", status=302)
    assert "/api/two-factor/login" in [call["path"] for call in idp.calls()]
    store.get(test_store.CART, status=200)
