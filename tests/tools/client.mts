// What a TypeScript program does with the generated client: node client.js BASE_URL KEY BACKEND
import createClient from "openapi-fetch";
import type { components, paths } from "./issue_core.d.ts";

type Issue = components["schemas"]["IssueResponse"];
type Problem = components["schemas"]["Problem"];

// Node's, of which nothing more is used.
declare const process: { argv: string[] };

const [base, key, backend] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: base, headers: { "X-API-Key": key } });

function expect<T>(actual: T, wanted: T): void {
    if (JSON.stringify(actual) !== JSON.stringify(wanted)) {
        throw new Error(`expected ${JSON.stringify(wanted)}, found ${JSON.stringify(actual)}`);
    }
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

function good<T>(answer: Answer<T>, status: number): T {
    expect(answer.response.status, status);
    if (answer.data === undefined) {
        throw new Error(`refused: ${JSON.stringify(answer.error)}`);
    }
    return answer.data;
}

function bad(answer: { error?: Problem; response: Response }, status: number): Problem {
    expect(answer.response.status, status);
    if (answer.error === undefined) {
        throw new Error("accepted what should have been refused");
    }
    return answer.error;
}

const task: components["schemas"]["CreateIssueRequest"] = {
    title: "From a TypeScript client",
    priority: "high",
    labels: ["typescript"],
    due_in_days: 7,
};
const keyed = { header: { "Idempotency-Key": "typescript-1" } };
const created = good(await client.POST("/issues", { body: task, params: keyed }), 201);
if ("dry_run" in created) {
    throw new Error("nobody asked for a dry run");
}
expect(created.backend, backend ?? "");
expect(created.issue_url, null);
const again = await client.POST("/issues", { body: task, params: keyed });
expect(good(again, 200).issue_id, created.issue_id);
expect(again.response.headers.get("Idempotency-Replayed"), "true");

const named = { path: { id: created.issue_id } };
const shown = await client.GET("/issues/{id}", { params: named });
const issue: Issue = good(shown, 200);
expect<Issue["state"]>(issue.state, "open");
expect([issue.title, issue.priority, issue.kind], ["From a TypeScript client", "high", "task"]);
expect(issue.labels, ["typescript"]);
expect(issue.close_reason, null);

const filter = { label: ["typescript"], state: ["open" as const, "blocked" as const], total: true, limit: 10 };
const found = good(await client.GET("/issues", { params: { query: filter } }), 200);
expect(found.items.map((item) => item.id), [created.issue_id]);
expect([found.total, found.next_cursor], [1, null]);
const nothing = good(await client.GET("/issues", { params: { query: { created_from: "2999-01-01" } } }), 200);
expect([nothing.items, nothing.total], [[], undefined]);

// A merge patch tells null, which empties a field, from one that is left out, which stays.
const seen = { ...named, header: { "If-Match": shown.response.headers.get("ETag") ?? "" } };
const patch = { params: seen, body: { title: "Edited", due_on: null } };
const edited = good(await client.PATCH("/issues/{id}", patch), 200);
expect([edited.title, edited.due_on, edited.labels], ["Edited", null, ["typescript"]]);
expect(bad(await client.PATCH("/issues/{id}", patch), 412).code, "precondition_failed");

const comment = good(await client.POST("/issues/{id}/comments", { params: named, body: { body: "Seen" } }), 201);
const page = good(await client.GET("/issues/{id}/comments", { params: { ...named, query: { limit: 10 } } }), 200);
expect(page.items.map((item) => item.id), [comment.id]);
expect(page.next_cursor, null);

const closed = good(await client.POST("/issues/{id}/close", { params: named, body: { reason: "not_planned" } }), 200);
expect([closed.state, closed.close_reason], ["closed", "not_planned"]);
expect(bad(await client.POST("/issues/{id}/close", { params: named, body: { reason: "duplicate" } }), 409).status, 409);

const faulty = bad(await client.POST("/issues", { body: { title: "", labels: [""] } }), 422);
expect(faulty.errors?.map((fault) => fault.pointer), ["/title", "/labels/0"]);
const missing = bad(await client.GET("/issues/{id}", { params: { path: { id: "999999999" } } }), 404);
expect(missing.code, "not_found");

const stranger = createClient<paths>({ baseUrl: base, headers: { "X-API-Key": "wrong" } });
expect(bad(await stranger.GET("/issues/{id}", { params: named }), 401).code, "unauthenticated");
