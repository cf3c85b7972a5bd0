"""What a Python program does with the generated client: python client.py BASE_URL KEY BACKEND"""

import sys
from datetime import date
from uuid import UUID

from issue_core.api.comments import add_comment, list_comments
from issue_core.api.find import list_issues
from issue_core.api.issues import close_issue, create_issue, edit_issue, get_issue
from issue_core.client import AuthenticatedClient
from issue_core.models import (
    CloseIssueRequest,
    CloseReason,
    CommentRequest,
    CommentResponse,
    CreateIssueRequest,
    CreateIssueResponse,
    EditIssueRequest,
    IssueListResponse,
    IssueResponse,
    Kind,
    PageResponseCommentResponse,
    Priority,
    Problem,
    StateName,
)

base, key, backend = sys.argv[1:]


def expect(kind, response, status):
    assert response.status_code == status, (response.status_code, response.content)
    assert isinstance(response.parsed, kind), response.parsed
    return response.parsed


with AuthenticatedClient(base_url=base, token=key) as client:
    task = CreateIssueRequest(title="From a Python client", priority=Priority.HIGH, labels=["python"], due_in_days=7)
    created = expect(CreateIssueResponse, create_issue.sync_detailed(client=client, body=task, idempotency_key="python-1"), 201)
    assert isinstance(created.issue_id, UUID) and created.backend == backend and created.issue_url is None
    again = create_issue.sync_detailed(client=client, body=task, idempotency_key="python-1")
    assert expect(CreateIssueResponse, again, 200).issue_id == created.issue_id
    assert again.headers["Idempotency-Replayed"] == "true"

    name = str(created.issue_id)
    shown = get_issue.sync_detailed(name, client=client)
    issue = expect(IssueResponse, shown, 200)
    assert (issue.title, issue.priority, issue.kind) == ("From a Python client", Priority.HIGH, Kind.TASK)
    assert issue.state is StateName.OPEN and issue.labels == ["python"] and issue.due_on and issue.close_reason is None

    states = [StateName.OPEN, StateName.BLOCKED]
    found = expect(IssueListResponse, list_issues.sync_detailed(client=client, label=["python"], state=states, total=True, limit=10), 200)
    assert [item.id for item in found.items] == [created.issue_id] and found.total == 1 and found.next_cursor is None
    nothing = expect(IssueListResponse, list_issues.sync_detailed(client=client, created_from=date(2999, 1, 1)), 200)
    assert nothing.items == [] and not nothing.total

    # A merge patch tells null, which empties a field, from one that is left out, which stays.
    patch = EditIssueRequest(title="Edited", due_on=None)
    issue = expect(IssueResponse, edit_issue.sync_detailed(name, client=client, body=patch, if_match=shown.headers["ETag"]), 200)
    assert (issue.title, issue.due_on, issue.labels) == ("Edited", None, ["python"])
    late = edit_issue.sync_detailed(name, client=client, body=patch, if_match=shown.headers["ETag"])
    assert expect(Problem, late, 412).code == "precondition_failed"

    comment = expect(CommentResponse, add_comment.sync_detailed(name, client=client, body=CommentRequest(body="Seen")), 201)
    page = expect(PageResponseCommentResponse, list_comments.sync_detailed(name, client=client, limit=10), 200)
    assert [item.id for item in page.items] == [comment.id] and page.next_cursor is None

    closing = CloseIssueRequest(reason=CloseReason.NOT_PLANNED)
    issue = expect(IssueResponse, close_issue.sync_detailed(name, client=client, body=closing), 200)
    assert (issue.state, issue.close_reason) == (StateName.CLOSED, CloseReason.NOT_PLANNED)
    again = close_issue.sync_detailed(name, client=client, body=CloseIssueRequest(reason=CloseReason.DUPLICATE))
    assert expect(Problem, again, 409).status == 409

    faulty = CreateIssueRequest(title="", labels=[""])
    problem = expect(Problem, create_issue.sync_detailed(client=client, body=faulty), 422)
    assert [fault.pointer for fault in problem.errors] == ["/title", "/labels/0"]
    missing = expect(Problem, get_issue.sync_detailed("999999999", client=client), 404)
    assert missing.code == "not_found"

with AuthenticatedClient(base_url=base, token="wrong") as stranger:
    assert expect(Problem, get_issue.sync_detailed("1", client=stranger), 401).code == "unauthenticated"
