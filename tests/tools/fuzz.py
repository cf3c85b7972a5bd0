"""What the fuzzer cannot know from the document. Loaded by schemathesis (SCHEMATHESIS_HOOKS)."""

import itertools
import re

import schemathesis

serial = itertools.count()


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes what was meant to be valid valid: the document says how a value looks, not which ones there are, nor what two parameters
    mean together."""
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    headers, query, body = case.headers or {}, case.query or {}, case.body if isinstance(case.body, dict) else {}
    # A key belongs to one request: with another body it is refused on purpose. So each is new.
    if "Idempotency-Key" in headers:
        headers["Idempotency-Key"] = f"{headers['Idempotency-Key'][:240].strip()}{next(serial)}"
    # Strictness is about keys that the document allows.
    if "strict" in headers.get("Prefer", ""):
        del headers["Prefer"]
    # One of the fuzzer's ways to put headers together leaves their values empty, whatever their schema says.
    if headers.get("If-Match") == "":
        del headers["If-Match"]
    # A cursor is what an earlier page of the same list said.
    query.pop("cursor", None)
    body.pop("cursor", None)
    # At most 1,000 ids, of both kinds together.
    if isinstance(body.get("triggering_event_ids"), list) and isinstance(body.get("activity_definition_ids"), list):
        del body["activity_definition_ids"][1000 - len(body["triggering_event_ids"]) :]
    for filter in (query, body.get("filter")):
        if isinstance(filter, dict):
            tame(filter)
    if query.get("sort") == "relevance" and ("q" not in query or query.get("order") == "asc"):
        del query["sort"]
    if "q" in query and "sort" not in query and query.get("order") == "asc":
        del query["order"]


def tame(filter):
    if "assignee" in filter:
        filter.pop("unassigned", None)
    # A search is some words, not too many of them.
    if isinstance(filter.get("q"), str):
        filter["q"] = " ".join(re.findall(r"[a-z0-9]+", filter["q"].lower())[:16]) or "word"
