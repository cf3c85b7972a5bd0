"""What a Python program does with the generated client: python client.py BASE_URL KEY BACKEND"""

import sys
from uuid import UUID

from issue_core.api.issues import create_issue, get_issue
from issue_core.client import AuthenticatedClient
from issue_core.models import CreateIssueRequest, CreateIssueResponse, IssueResponse, Kind, Priority, Problem, StateName

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

    issue = expect(IssueResponse, get_issue.sync_detailed(str(created.issue_id), client=client), 200)
    assert (issue.title, issue.priority, issue.kind) == ("From a Python client", Priority.HIGH, Kind.TASK)
    assert issue.state is StateName.OPEN and issue.labels == ["python"] and issue.due_on and issue.close_reason is None

    faulty = CreateIssueRequest(title="", labels=[""])
    problem = expect(Problem, create_issue.sync_detailed(client=client, body=faulty), 422)
    assert [fault.pointer for fault in problem.errors] == ["/title", "/labels/0"]
    missing = expect(Problem, get_issue.sync_detailed("999999999", client=client), 404)
    assert missing.code == "not_found"

with AuthenticatedClient(base_url=base, token="wrong") as stranger:
    assert expect(Problem, get_issue.sync_detailed("1", client=stranger), 401).code == "unauthenticated"
