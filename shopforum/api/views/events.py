"""The audit log, in the order of its seals."""

from pyramid.response import Response

from ...operations import event_feed, json_documents, labels
from .. import responses
from ..problems import Problem
from ..request import ApiRequest as Request
from .calls import Given, invalid


def list_events(request: Request, given: Given) -> Response:
    """Return the next events of the audit log."""
    query = given.query
    types = query["types"].split(",") if "types" in query else []
    if unknown := sorted(set(types) - labels.EVENTS.keys()):
        raise invalid(types=f"{', '.join(unknown)}: unknown. Known: {', '.join(sorted(labels.EVENTS))}.")
    try:
        rows, following = event_feed.read(request.sessions, query["after"], types, query["limit"])
    except event_feed.Ahead:
        detail = "The log ends before that number: it is not the log you have read."
        raise Problem("cursor-ahead", detail) from None
    events = [json_documents.event(row) for row in rows]
    offers = request.accept.acceptable_offers(["application/json", "application/x-ndjson"])
    if offers and offers[0][0] == "application/x-ndjson":
        return responses.lines(events)
    return responses.reply({"events": events, "next": following})
