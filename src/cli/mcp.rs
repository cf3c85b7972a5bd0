//! `issue mcp`: the same use cases for an agent, as tools of the Model Context Protocol over standard input and output.
//!
//! Calls the same API as every other command, through [`super::tools`]. Standard output belongs to
//! the protocol alone.

use std::path::Path;
use std::sync::Arc;

use clap::Args;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, Implementation, ListToolsResult, PaginatedRequestParams,
    ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler, ServiceExt as _};

use super::api::IssueApi;
use super::error::CliError;
use super::reach::ServerArgs;
use super::screen::OutputLook;
use super::tools;

#[derive(Debug, Args)]
pub(super) struct McpArgs {}

#[derive(Clone)]
struct McpAgent {
    api: Arc<IssueApi>,
}

const INSTRUCTIONS: &str = "The task list of an organisation. Take work with next_issue or claim_issue under a holder name of your own, say \
with comment_on_issue what you found, end with close_issues; block_issues when you cannot go on. An issue is named by its number, its id or \
the beginning of its id. Acts on more than three issues are only rehearsed unless you say dry_run: false.";

impl McpArgs {
    pub(super) async fn run(self, reach: ServerArgs, config: Option<&Path>) -> Result<(), CliError> {
        let session = reach.open(config, OutputLook::default()).await?;
        let api = Arc::new(session.api);
        let agent = McpAgent { api: api.clone() };
        let served = agent.serve(rmcp::transport::stdio()).await;
        let ended = match served {
            Ok(running) => running.waiting().await.map(|_| ()).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Some(api) = Arc::into_inner(api) {
            api.close().await;
        }
        ended.map_err(|error| CliError::Failed(format!("the conversation with the agent failed: {error}")))
    }
}

impl ServerHandler for McpAgent {
    fn get_info(&self) -> ServerConfig {
        let tools = ServerCapabilities::builder().enable_tools().build();
        let own = Implementation::new("issue-core", env!("CARGO_PKG_VERSION"));
        ServerConfig::new(tools).with_server_info(own).with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(&self, _: Option<PaginatedRequestParams>, _: RequestContext<RoleServer>) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(tools::all()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        tools::all().into_iter().find(|tool| tool.name == name)
    }

    async fn call_tool(&self, request: CallToolRequestParams, _: RequestContext<RoleServer>) -> Result<CallToolResponse, ErrorData> {
        if self.get_tool(&request.name).is_none() {
            return Err(ErrorData::invalid_params(format!("there is no tool {}", request.name), None));
        }
        let answer = tools::call(&self.api, &request.name, request.arguments.unwrap_or_default()).await;
        // A refusal is something to be read and thought about, not a broken conversation.
        let refused = |error: CliError| CallToolResult::error(vec![ContentBlock::text(error.to_string())]);
        Ok(answer.map_or_else(refused, CallToolResult::structured).into())
    }
}
