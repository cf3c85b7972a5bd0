"""What the fuzzer cannot know from the document. Loaded by schemathesis (SCHEMATHESIS_HOOKS)."""

import itertools
import re

import schemathesis

serial = itertools.count()
valid_key = re.compile(r"[!-~]([ -~]{0,240}[!-~])?")


@schemathesis.hook
def before_call(context, case, kwargs):
    """An Idempotency-Key belongs to one request: the same key with another body is refused on purpose. So each valid key is made new."""
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and valid_key.fullmatch(key):
        case.headers["Idempotency-Key"] = f"{key}{next(serial)}"
