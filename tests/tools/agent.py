"""An agent at work: agent.py COMMAND... starts `COMMAND... mcp` and goes through its tools with the protocol's own client."""

import asyncio
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

NAMES = {
    "list_issues", "show_issue", "create_issue", "comment_on_issue", "claim_issue", "next_issue",
    "start_issues", "block_issues", "close_issues",
}


async def work(session: ClientSession) -> None:
    async def call(name: str, **arguments):
        answer = await session.call_tool(name, arguments)
        assert not answer.is_error, (name, answer)
        return answer.structured_content

    async def refused(name: str, **arguments) -> str:
        answer = await session.call_tool(name, arguments)
        assert answer.is_error, (name, answer)
        return answer.content[0].text

    tools = (await session.list_tools()).tools
    assert {tool.name for tool in tools} == NAMES, tools
    assert all(tool.input_schema["type"] == "object" for tool in tools)

    first = await call("create_issue", title="Flag stale SBOM", priority="high", labels=["sbom"], idempotency_key="a")
    again = await call("create_issue", title="Flag stale SBOM", priority="high", labels=["sbom"], idempotency_key="a")
    assert first == again, (first, again)
    for n in range(4):
        await call("create_issue", title=f"Task {n}")
    assert "title" in await refused("create_issue", title="")

    found = await call("list_issues", label=["sbom"], state=["open"])
    assert [issue["number"] for issue in found["items"]] == [1], found
    taken = await call("next_issue", holder="agent-7")
    assert taken["issue"]["number"] == 1 and taken["issue"]["claimed_by"] == "agent-7", taken
    assert "agent-7" in await refused("claim_issue", issue="1", holder="agent-8")
    assert (await call("claim_issue", issue="#2", holder="agent-7", lease_seconds=60))["number"] == 2

    await call("comment_on_issue", issue="1", text="Looks **bad**")
    shown = await call("show_issue", issue=first["issue_id"][:30])
    assert shown["comments"][0]["body"] == "Looks **bad**", shown
    assert "did you mean" in await refused("show_issue", issue="sbom")

    started = await call("start_issues", issues=["1", "2"])
    assert [item["issue"]["state"] for item in started["items"]] == ["in_progress"] * 2, started
    assert (await call("block_issues", issues=["2"], reason="waits"))["items"][0]["issue"]["state"] == "blocked"

    many = ["1", "2", "3", "4"]
    rehearsed = await call("close_issues", issues=many)
    assert rehearsed["dry_run"] is True and rehearsed["changed"] == 4, rehearsed
    assert (await call("show_issue", issue="1"))["issue"]["state"] == "in_progress"
    closed = await call("close_issues", issues=many, dry_run=False, comment="Done")
    assert [item["issue"]["state"] for item in closed["items"]] == ["closed"] * 4, closed
    assert "closed" in (await call("start_issues", issues=["1"]))["items"][0]["error"]


async def main() -> None:
    command, *arguments = sys.argv[1:]
    server = StdioServerParameters(command=command, args=[*arguments, "mcp"], env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        answer = await session.initialize()
        assert answer.server_info.name == "issue-core", answer
        await work(session)


asyncio.run(asyncio.wait_for(main(), 60))
