"""Refresh token policies: usage, expiration and what revokes."""

from concurrent.futures import ThreadPoolExecutor

import pytest

DAY = 86_400


@pytest.fixture
def token(login):
    return login().success_response["refreshToken"]


def test_one_time_tokens_rotate_and_keep_their_id(login, refresh, hook):
    hook("policy", usage="OneTimeUse")
    first = login().success_response
    second = refresh(first["refreshToken"]).success_response
    assert second["refreshToken"] != first["refreshToken"]
    assert second["refreshTokenId"] == first["refreshTokenId"]
    assert refresh(first["refreshToken"]).status == 400
    assert refresh(second["refreshToken"]).status == 200


def test_the_token_endpoint_gives_the_rotated_token(token, client, hook, world):
    hook("policy", usage="OneTimeUse")
    secret = world.secrets[world.store]
    body = client.exchange_refresh_token_for_access_token(token, world.store, secret).success_response
    assert body["refresh_token"] != token
    again = client.exchange_refresh_token_for_access_token(token, world.store, secret)
    assert (again.status, again.error_response["error"]) == (400, "invalid_grant")


def test_reuse_revokes_the_whole_chain_when_the_policy_says_so(token, refresh, hook):
    hook("policy", usage="OneTimeUse", on_reuse=True)
    second = refresh(token).success_response["refreshToken"]
    assert refresh(token).status == 400
    assert refresh(second).status == 400


def test_within_the_grace_the_old_token_gives_the_current_one(token, refresh, hook):
    hook("policy", usage="OneTimeUse", grace_seconds=10, on_reuse=True)
    second = refresh(token).success_response["refreshToken"]
    assert refresh(token).success_response["refreshToken"] == second
    third = refresh(second).success_response["refreshToken"]
    assert refresh(token).success_response["refreshToken"] == third
    hook("advance", seconds=11)
    assert refresh(token).status == 400
    assert refresh(third).status == 400


def test_after_the_grace_an_old_token_is_dead_but_harmless_without_reuse_revocation(token, refresh, hook):
    hook("policy", usage="OneTimeUse", grace_seconds=10)
    second = refresh(token).success_response["refreshToken"]
    hook("advance", seconds=11)
    assert refresh(token).status == 400
    assert refresh(second).status == 200


def test_of_simultaneous_uses_exactly_one_rotates(token, refresh, hook):
    hook("policy", usage="OneTimeUse", grace_seconds=10)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(refresh, [token] * 8))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.success_response["refreshToken"] for answer in answers}) == 1
    hook("policy", grace_seconds=0)
    current = answers[0].success_response["refreshToken"]
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(answer.status for answer in pool.map(refresh, [current] * 8))
    assert statuses == [200] + [400] * 7


def test_fixed_tokens_end_after_their_time_however_often_used(token, refresh, hook):
    for _ in range(2):
        hook("advance", seconds=14 * DAY)
        assert refresh(token).status == 200
    hook("advance", seconds=3 * DAY)
    assert refresh(token).status == 400


def test_sliding_tokens_live_as_long_as_they_are_used(token, refresh, hook):
    hook("policy", expiration="SlidingWindow")
    for _ in range(4):
        hook("advance", seconds=20 * DAY)
        assert refresh(token).status == 200
    hook("advance", seconds=31 * DAY)
    assert refresh(token).status == 400


def test_sliding_tokens_may_have_a_maximum(token, refresh, hook):
    hook("policy", expiration="SlidingWindowWithMaximumLifetime", maximum_minutes=60 * 24 * 45)
    for _ in range(2):
        hook("advance", seconds=20 * DAY)
        assert refresh(token).status == 200
    hook("advance", seconds=6 * DAY)
    assert refresh(token).status == 400


def test_a_shortened_time_to_live_expires_existing_tokens(token, refresh, hook):
    hook("advance", seconds=120)
    assert refresh(token).status == 200
    hook("policy", ttl_minutes=1)
    assert refresh(token).status == 400


def test_an_applications_own_policy_overrides_the_tenants(login, refresh, client, world):
    own = {"application": {"jwtConfiguration": {"enabled": True, "refreshTokenUsagePolicy": "OneTimeUse"}}}
    assert client.patch_application(world.forums, own).status == 200
    try:
        forums = login(applicationId=world.forums).success_response["refreshToken"]
        assert refresh(forums).success_response["refreshToken"] != forums
        store = login().success_response["refreshToken"]
        assert refresh(store).success_response["refreshToken"] == store
    finally:
        own["application"]["jwtConfiguration"]["enabled"] = False
        assert client.patch_application(world.forums, own).status == 200


def test_a_policy_may_be_set_for_one_application(login, refresh, hook, world):
    hook("policy", applicationId=world.forums, refreshTokenUsagePolicy="OneTimeUse")
    forums = login(applicationId=world.forums).success_response["refreshToken"]
    assert refresh(forums).success_response["refreshToken"] != forums
    store = login().success_response["refreshToken"]
    assert refresh(store).success_response["refreshToken"] == store


def test_a_new_password_revokes_unless_the_policy_says_otherwise(login, refresh, client, hook, person):
    token = login().success_response["refreshToken"]
    hook("policy", on_password_changed=False)
    by_key = {"loginId": person.email, "currentPassword": person.password, "password": "second password"}
    assert client.change_password_by_identity(by_key).status == 200
    assert refresh(token).status == 200
    hook("policy", on_password_changed=True)
    by_key |= {"currentPassword": "second password", "password": "third password"}
    assert client.change_password_by_identity(by_key).status == 200
    assert refresh(token).status == 400


@pytest.mark.parametrize("prevent", ["lock", "user"])
def test_a_prevented_login_revokes(token, refresh, hook, person, prevent):
    hook(prevent, email=person.email, **({"on": True} if prevent == "lock" else {"loginPrevented": True}))
    hook(prevent, email=person.email, **({"on": False} if prevent == "lock" else {"loginPrevented": False}))
    assert refresh(token).status == 400


def test_tenant_settings_are_read_and_changed(client, world):
    tenants = client.retrieve_tenants().success_response["tenants"]
    assert [one["id"] for one in tenants] == [world.tenant]
    configuration = tenants[0]["jwtConfiguration"]
    assert configuration["refreshTokenTimeToLiveInMinutes"] == 43_200
    assert configuration["refreshTokenUsagePolicy"] == "Reusable"
    wrong = {"tenant": {"jwtConfiguration": {"refreshTokenTimeToLiveInMinutes": 0}}}
    assert client.patch_tenant(world.tenant, wrong).status == 400
    same = {"tenant": {"jwtConfiguration": {"timeToLiveInSeconds": 3600}}}
    assert client.patch_tenant(world.tenant, same).status == 200
    assert client.patch_tenant(world.store, same).status == 404
