"""What the fuzzer cannot know from the document. Loaded by schemathesis (SCHEMATHESIS_HOOKS)."""

import itertools

import schemathesis

serial = itertools.count()
cursors = {}


def is_valid(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes what was meant to be valid valid: the document says how a value looks, not which ones there are."""
    if not is_valid(case):
        return
    # A key belongs to one request: with another body it is refused on purpose. So each is new.
    key = (case.headers or {}).get("Idempotency-Key")
    if key is not None:
        case.headers["Idempotency-Key"] = f"{key[:240].strip()}{next(serial)}"
    # One of the fuzzer's ways to put headers together leaves their values empty, whatever their schema says.
    if (case.headers or {}).get("If-Match") == "":
        del case.headers["If-Match"]
    # A cursor is what an earlier page said.
    if "cursor" in (case.query or {}):
        known = cursors.get(case.operation.label)
        if known is None:
            del case.query["cursor"]
        else:
            case.query["cursor"] = known


@schemathesis.hook
def after_call(context, case, response):
    if response.status_code == 200 and "cursor" in case.operation.query.schema.get("properties", {}):
        cursors[case.operation.label] = response.json()["next_cursor"]
