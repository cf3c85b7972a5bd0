//! An agent at work: the protocol's own Python client against `issue mcp`, on both stores and on a server.

use super::{Shell, both_ways};
use crate::openapi::tools;
use crate::support::database::Database;

crate::support::on_both_stores!(an_agent_works_through_the_tools);

async fn an_agent_works_through_the_tools(db: Database) {
    both_ways(db, async |issue: &Shell| {
        let server = issue.command();
        let mut client = tools::python("python");
        client.arg(tools::own("agent.py")).arg(server.get_program()).args(server.get_args());
        client.envs(server.get_envs().filter_map(|(name, value)| Some((name, value?))));
        tools::succeed(&mut client);
        assert_eq!(issue.json(&["show", "1"])["state"], "closed");
    })
    .await;
}
