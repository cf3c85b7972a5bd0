//! What is asked of Linear, word for word. Each has a name; what it answers is in `wire.rs`.
//!
//! Linear counts what a question may cost at most: a list within a list is dear, so the inner ones are short.

pub(super) struct GraphqlOperation {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

macro_rules! issue {
    ($head:literal) => {
        concat!(
            $head,
            " fragment Whole on Issue { id identifier title description url priority dueDate createdAt updatedAt trashed ",
            "state { id type name } assignee { id displayName email } labels(first: 50) { nodes { id name } } ",
            "comments(first: 1, orderBy: updatedAt) { nodes { updatedAt } } }"
        )
    };
}

pub(super) const TEAM: GraphqlOperation = GraphqlOperation {
    name: "Team",
    text: "query Team($key: String!) { teams(filter: { key: { eq: $key } }, first: 1) { nodes { id key name } } }",
};

pub(super) const STATES: GraphqlOperation = GraphqlOperation {
    name: "States",
    text: "query States($team: ID!) { workflowStates(filter: { team: { id: { eq: $team } } }, first: 100) { nodes { id type name position } } }",
};

pub(super) const LABELS: GraphqlOperation = GraphqlOperation {
    name: "Labels",
    text: "query Labels($filter: IssueLabelFilter!) { issueLabels(filter: $filter, first: 250) { nodes { id name isGroup } } }",
};

pub(super) const LABEL_CREATE: GraphqlOperation = GraphqlOperation {
    name: "LabelCreate",
    text: "mutation LabelCreate($input: IssueLabelCreateInput!) { issueLabelCreate(input: $input) { success issueLabel { id name isGroup } } }",
};

pub(super) const PERSON: GraphqlOperation = GraphqlOperation {
    name: "Person",
    text: concat!(
        "query Person($name: String!) { users(filter: { or: [{ email: { eqIgnoreCase: $name } }, ",
        "{ displayName: { eqIgnoreCase: $name } }] }, first: 10) { nodes { id displayName email active } } }"
    ),
};

pub(super) const ISSUE_CREATE: GraphqlOperation = GraphqlOperation {
    name: "IssueCreate",
    text: "mutation IssueCreate($input: IssueCreateInput!) { issueCreate(input: $input) { success issue { id identifier url } } }",
};

pub(super) const ISSUE_UPDATE: GraphqlOperation = GraphqlOperation {
    name: "IssueUpdate",
    text: "mutation IssueUpdate($id: String!, $input: IssueUpdateInput!) { issueUpdate(id: $id, input: $input) { success } }",
};

/// An issue with everything there is about it; what its lists of relations do not hold at once is asked for after it.
pub(super) const ISSUE: GraphqlOperation = GraphqlOperation {
    name: "Issue",
    text: issue!(
        "query Issue($id: String!, $first: Int!) { issue(id: $id) { ...Whole parent { identifier } \
         relations(first: $first) { nodes { id type relatedIssue { identifier } } pageInfo { hasNextPage endCursor } } \
         inverseRelations(first: $first) { nodes { id type issue { identifier } } pageInfo { hasNextPage endCursor } } } }"
    ),
};

/// Those of its own, and those that others have with it, each behind a cursor.
pub(super) const RELATIONS: GraphqlOperation = GraphqlOperation {
    name: "Relations",
    text: concat!(
        "query Relations($id: String!, $first: Int!, $after: String, $inverseAfter: String) { issue(id: $id) { parent { identifier } ",
        "relations(first: $first, after: $after) { nodes { id type relatedIssue { identifier } } pageInfo { hasNextPage endCursor } } ",
        "inverseRelations(first: $first, after: $inverseAfter) { nodes { id type issue { identifier } } pageInfo { hasNextPage endCursor } } } }"
    ),
};

pub(super) const RELATION_CREATE: GraphqlOperation = GraphqlOperation {
    name: "RelationCreate",
    text: "mutation RelationCreate($input: IssueRelationCreateInput!) { issueRelationCreate(input: $input) { success } }",
};

pub(super) const RELATION_DELETE: GraphqlOperation =
    GraphqlOperation { name: "RelationDelete", text: "mutation RelationDelete($id: String!) { issueRelationDelete(id: $id) { success } }" };

/// What has to be known of an issue before its state, its labels or its assignee are changed.
pub(super) const GROUND: GraphqlOperation = GraphqlOperation {
    name: "Ground",
    text: concat!(
        "query Ground($id: String!) { issue(id: $id) { team { id key name } assignee { id displayName email } ",
        "labels(first: 250) { nodes { id name } } } }"
    ),
};

pub(super) const ISSUES: GraphqlOperation = GraphqlOperation {
    name: "Issues",
    text: issue!(
        "query Issues($filter: IssueFilter!, $first: Int!, $after: String) { issues(filter: $filter, first: $first, after: $after, \
         includeArchived: true, sort: [{ updatedAt: { order: Ascending } }]) { nodes { ...Whole } pageInfo { hasNextPage endCursor } } }"
    ),
};

pub(super) const COMMENT_CREATE: GraphqlOperation = GraphqlOperation {
    name: "CommentCreate",
    text: concat!(
        "mutation CommentCreate($input: CommentCreateInput!) { commentCreate(input: $input) ",
        "{ success comment { id body url createdAt updatedAt user { id displayName email } botActor { name } } } }"
    ),
};

pub(super) const COMMENT_UPDATE: GraphqlOperation = GraphqlOperation {
    name: "CommentUpdate",
    text: "mutation CommentUpdate($id: String!, $input: CommentUpdateInput!) { commentUpdate(id: $id, input: $input) { success } }",
};

pub(super) const COMMENT_DELETE: GraphqlOperation =
    GraphqlOperation { name: "CommentDelete", text: "mutation CommentDelete($id: String!) { commentDelete(id: $id) { success } }" };

pub(super) const COMMENT: GraphqlOperation = GraphqlOperation {
    name: "Comment",
    text: "query Comment($id: String!) { comment(id: $id) { id body url createdAt updatedAt user { id displayName email } botActor { name } } }",
};

pub(super) const COMMENTS: GraphqlOperation = GraphqlOperation {
    name: "Comments",
    text: concat!(
        "query Comments($id: String!, $first: Int!, $after: String) { issue(id: $id) { comments(first: $first, after: $after) ",
        "{ nodes { id body url createdAt updatedAt user { id displayName email } botActor { name } } pageInfo { hasNextPage endCursor } } } }"
    ),
};

pub(super) const VIEWER: GraphqlOperation = GraphqlOperation { name: "Viewer", text: "query Viewer { viewer { id displayName email } }" };

pub(super) const ORGANISATION: GraphqlOperation =
    GraphqlOperation { name: "Organisation", text: "query Organisation { organization { id name urlKey } }" };

pub(super) const TEAMS: GraphqlOperation = GraphqlOperation {
    name: "Teams",
    text: concat!(
        "query Teams($first: Int!, $after: String) { organization { id name urlKey } ",
        "teams(first: $first, after: $after) { nodes { id key name retiredAt } pageInfo { hasNextPage endCursor } } }"
    ),
};

pub(super) const WEBHOOKS: GraphqlOperation = GraphqlOperation {
    name: "Webhooks",
    text: concat!(
        "query Webhooks($first: Int!, $after: String) { webhooks(first: $first, after: $after) ",
        "{ nodes { id url team { id } } pageInfo { hasNextPage endCursor } } }"
    ),
};

pub(super) const WEBHOOK_CREATE: GraphqlOperation = GraphqlOperation {
    name: "WebhookCreate",
    text: "mutation WebhookCreate($input: WebhookCreateInput!) { webhookCreate(input: $input) { success webhook { id url team { id } } } }",
};

pub(super) const WEBHOOK_UPDATE: GraphqlOperation = GraphqlOperation {
    name: "WebhookUpdate",
    text: "mutation WebhookUpdate($id: String!, $input: WebhookUpdateInput!) { webhookUpdate(id: $id, input: $input) { success } }",
};

pub(super) const WEBHOOK_DELETE: GraphqlOperation =
    GraphqlOperation { name: "WebhookDelete", text: "mutation WebhookDelete($id: String!) { webhookDelete(id: $id) { success } }" };
