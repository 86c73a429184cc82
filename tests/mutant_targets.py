"""The modules that `tests/mutants.py` breaks, the tests that must notice, and the mutants that do the same as the code."""

CORE = "shopforum/sessions"
CLIENT_MODULES = (
    *("fusionauth", "passkeys", "transport", "answer_fields", "user_answers", "login_answers"),
    *("enrolment_answers", "signup_answers", "passkey_answers", "token_answers"),
)
# The nearest to the rules first.
MODULES = (
    *("rotation", "resume", "lookup", "records", "live", "renewal", "revocation", "gate_sweep"),
    *("binding", "binding_proof", "binding_headers", "binding_views"),
    *(
        "cookies",
        "policy",
        "csrf",
        "lifecycle",
        "new_session",
        "user_sessions",
        "quarantine",
        "deny_rules",
        "flags",
    ),
    *(
        "risk_signals",
        "refusals",
        "unclaimed",
        "unmatched_cookies",
        "honey",
        "keyring",
        "scope",
        "reach",
        "outbox",
    ),
    *("provider_events", "jobs", "throttle"),
    *CLIENT_MODULES,
)
# The packages of the modules outside of the session core.
PACKAGES = {"throttle": "shopforum/login"} | dict.fromkeys(CLIENT_MODULES, "shopforum/idp")
# The tests of the rules and their statements.
RULES = (
    *("conditions", "rotation_rules", "rotation", "corners", "pairs", "quarantine", "refresh", "lifetimes"),
    *("revocation", "revocation_counter", "gate_first", "roles", "deny_rules", "flags", "risk_signals"),
    *(
        "unclaimed",
        "refusals",
        "in_flight",
        "binding",
        "binding_registration",
        "binding_renewals",
        "binding_ends",
    ),
    *("rotation_search", "races", "binding_races", "binding_proofs", "binding_vectors"),
)
# The tests of some modules come before those of the rules.
FIRST = {
    "rotation": ("sessions/test_rotation_rules", "sessions/test_rotation"),
    "resume": ("sessions/test_corners", "sessions/test_risk_signals"),
    "revocation": ("sessions/test_revocation",),
    "gate_sweep": ("sessions/test_revocation",),
    "renewal": ("sessions/test_refresh", "sessions/test_roles"),
    "binding": (
        *("sessions/test_binding", "sessions/test_binding_registration", "sessions/test_binding_renewals"),
        *("sessions/test_binding_ends", "sessions/test_binding_races", "attacks/test_bound_sessions"),
    ),
    "binding_proof": ("sessions/test_binding_proofs", "sessions/test_binding_vectors"),
}
# The tests of other modules are all that there is: the rules do not reach these, or a browser alone does.
ONLY = {
    "binding_headers": ("attacks/test_bound_sessions",),
    "binding_views": ("attacks/test_bound_sessions",),
    "cookies": ("sessions/test_parts", "attacks/test_cookies"),
    "policy": (
        *("addon/test_addon", "attacks/test_cookies", "attacks/test_cross_site", "login/test_refused_forms"),
        *("login/test_logout", "login/test_sent_twice", "attacks/test_bound_sessions", "attacks/test_replay"),
        *("sessions/test_in_flight", "login/test_visitors_cookie"),
    ),
    "csrf": (
        *("attacks/test_cross_site", "login/test_refused_forms", "login/test_visitors_cookie"),
        *("addon/test_addon", "attacks/test_cookies", "login/test_login"),
    ),
    "lifecycle": (
        "sessions/test_refresh",
        "sessions/test_corners",
        "sessions/test_deny_rules",
        "admin/test_rules",
    ),
    "new_session": (
        *(
            "sessions/test_corners",
            "sessions/test_deny_rules",
            "sessions/test_lifetimes",
            "sessions/test_revocation",
        ),
        *(
            "sessions/test_binding",
            "login/test_sent_twice",
            "sessions/test_revocation_counter",
            "account/test_devices",
        ),
    ),
    "user_sessions": (
        *(
            "sessions/test_corners",
            "account/test_devices",
            "login/test_sent_twice",
            "sessions/test_revocation_counter",
        ),
        *("login/test_two_factor", "login/test_refused_forms", "admin/test_looking", "login/test_passkeys"),
    ),
    "quarantine": (
        "sessions/test_quarantine",
        "admin/test_quarantine",
        "sessions/test_gate_first",
        "admin/test_reach",
    ),
    "deny_rules": ("sessions/test_deny_rules", "admin/test_rules", "api/test_rules", "admin/test_reach"),
    "flags": (
        "sessions/test_flags",
        "sessions/test_corners",
        "sessions/test_pairs",
        "admin/test_session_acts",
    ),
    "risk_signals": ("sessions/test_risk_signals", "sessions/test_corners", "sessions/test_rotation"),
    "refusals": ("sessions/test_refusals", "admin/test_explain"),
    "unclaimed": ("sessions/test_unclaimed",),
    "unmatched_cookies": (
        *(
            "sessions/test_honey",
            "sessions/test_pairs",
            "sessions/test_corners",
            "attacks/test_stolen_halves",
        ),
        "attacks/test_cookies",
    ),
    "honey": ("sessions/test_honey",),
    "keyring": ("sessions/test_parts", "login/test_old_keys", "sessions/test_corners"),
    "scope": ("sessions/test_revocation", "sessions/test_parts"),
    "reach": ("admin/test_reach", "sessions/test_quarantine", "admin/test_rules"),
    "outbox": ("sessions/test_revocation", "sessions/test_corners", "failure/test_queues"),
    "provider_events": ("webhooks/test_provider_events", "sessions/test_roles", "webhooks/test_deliveries"),
    "jobs": ("sessions/test_purge", "sessions/test_revocation"),
    "throttle": ("login/test_throttle", "login/test_old_keys", "login/test_passkeys"),
} | dict.fromkeys(
    CLIENT_MODULES,
    ("idp/test_answer_statuses", "idp/test_answers", "idp/test_fusionauth", "admin/test_break_glass"),
)
# Mutants that do the same as the code, and why. They are not run.
EQUIVALENT = {
    ("lifecycle", "rule_id is not None -> True"): "no rule has no id, so that no hit is counted",
    ("unmatched_cookies", "owned -> False"): "a token of a session is no honey token: one look-up more",
    (
        "unmatched_cookies",
        "pair.refresh_token is None -> False",
    ): "the digest of no token is that of nobody's",
    (
        "throttle",
        "older -> True",
    ): "without an older key the statement has nothing to move, and moves nothing",
}


def path_of(module: str) -> str:
    """Return the path of a module below the root."""
    return f"{PACKAGES.get(module, CORE)}/{module}.py"
