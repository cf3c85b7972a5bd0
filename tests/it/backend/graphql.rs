//! Every question to Linear against its own schema: fields that are there, arguments they take, variables and inputs of their types.
//! Reads as much of the language as is used.
//!
//! The schema is our own (`tests/fixtures/api/linear.graphql`): the types, fields and arguments that are used. The vendor's whole schema
//! is a second check where it is at hand ([`vendors::specs`]), and ours must then be a part of it.

use std::collections::{BTreeSet, HashMap};

use issue_core::domain::tracker::TrackerKind;
use serde_json::Value;

use super::{Bench, contract, relations, webhooks};
use crate::support::{sim, vendors};

/// Our own, and the vendor's where it is at hand.
fn schemas() -> Vec<Schema> {
    let whole = vendors::specs().map(|folder| vendors::text(&folder.join("linear-issues.graphql")));
    [vendors::fixture("api/linear.graphql")].into_iter().chain(whole).map(|text| Schema::read(&text)).collect()
}

#[tokio::test]
async fn every_question_is_valid_by_the_vendors_own_schema() {
    let schemas = schemas();
    for vendor in sim::ALL.iter().filter(|vendor| vendor().kind() == TrackerKind::Linear) {
        let mut names = BTreeSet::new();
        for case in 0..10 {
            let bench = Bench::new(vendor(), false).await;
            match case {
                0 => contract::an_update_changes_what_changed_and_can_be_sent_again(&bench).await,
                1 => contract::every_state_is_reached_and_read_back(&bench).await,
                2 => contract::every_page_of_every_list_is_given(&bench).await,
                3 => contract::discovery_shows_where_to_file(&bench).await,
                4 => contract::a_check_answers_the_account_and_what_is_missing(&bench).await,
                5 => webhooks::registering_again_leaves_one_webhook_with_the_new_secret(&bench).await,
                6 => relations::each_relation_is_put_in_read_from_both_sides_and_taken_out(&bench).await,
                7 => relations::many_relations_are_all_read_and_cost_no_more_than_one(&bench).await,
                8 => contract::what_others_put_in_stays(&bench).await,
                _ => contract::comments_are_added_found_edited_and_taken_away(&bench).await,
            }
            for recorded in bench.sim.recorded() {
                let body = recorded.request.json();
                let faults = schemas.iter().flat_map(|schema| schema.faults(body["query"].as_str().unwrap(), &body["variables"]));
                assert_eq!(faults.collect::<Vec<_>>(), [""; 0], "{}", body["operationName"]);
                names.insert(body["operationName"].to_string());
            }
        }
        assert!(names.len() > 17, "{names:?}");
    }
}

#[test]
fn a_question_that_makes_no_sense_is_found_out() {
    let schemas = schemas();
    let none = serde_json::json!({});
    for (bad, variables) in [
        ("query A { viewer { nickname } }", none.clone()),
        ("query A { nobody { id } }", none.clone()),
        ("query A { viewer }", none.clone()),
        ("query A { viewer { id { x } } }", none.clone()),
        ("query A { issue(number: 1) { id } }", none.clone()),
        ("query A { issue { id } }", none.clone()),
        ("query A($id: Int!) { issue(id: $id) { id } }", serde_json::json!({"id": 1})),
        ("query A { issue(id: $id) { id } }", none.clone()),
        ("query A($id: String!) { issue(id: $id) { ...Gone } }", serde_json::json!({"id": "x"})),
        ("query A { teams(filter: { colour: { eq: \"x\" } }) { nodes { id } } }", none.clone()),
        ("query A { issues(sort: [{ updatedAt: { order: Upwards } }]) { nodes { id } } }", none.clone()),
        ("mutation A($input: IssueCreateInput!) { issueCreate(input: $input) { success } }", serde_json::json!({"input": {"title": "x"}})),
        (
            "mutation A($input: IssueCreateInput!) { issueCreate(input: $input) { success } }",
            serde_json::json!({"input": {"teamId": "x", "labels": []}}),
        ),
        (
            "mutation A($input: IssueCreateInput!) { issueCreate(input: $input) { success } }",
            serde_json::json!({"input": {"teamId": "x", "priority": "high"}}),
        ),
    ] {
        assert!(schemas.iter().all(|schema| !schema.faults(bad, &variables).is_empty()), "{bad} {variables}");
    }
    let (good, variables) = ("query A($id: String!) { issue(id: $id) { id team { key } } }", serde_json::json!({"id": "x"}));
    assert!(schemas.iter().all(|schema| schema.faults(good, &variables).is_empty()));
    for (whole, own) in schemas.iter().skip(1).map(|whole| (whole, &schemas[0])) {
        assert_eq!(own.beyond(whole), [""; 0], "what our own schema has, and the vendor's has not");
    }
}

/// A type's or an input's fields, each with its type (`[String!]!`) and the types of its arguments.
type Fields = HashMap<String, (String, HashMap<String, String>)>;

#[derive(Default)]
struct Schema {
    types: HashMap<String, Fields>,
    inputs: HashMap<String, Fields>,
    enums: HashMap<String, Vec<String>>,
}

/// Names, numbers, texts and signs, one after the other.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let end = if let Some(after) = rest.strip_prefix("\"\"\"") {
            after.find("\"\"\"").unwrap() + 6
        } else if first == '#' {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '"' {
            rest.match_indices('"').nth(1).unwrap().0 + 1
        } else if rest.starts_with("...") {
            3
        } else if word(first) {
            rest.find(|c| !word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let token = &rest[..end];
        if first != '#' && first != ',' && !token.starts_with("\"\"\"") {
            tokens.push(token.to_owned());
        }
        rest = rest[end..].trim_start();
    }
    tokens
}

/// Reads on, token by token.
struct Reader {
    tokens: Vec<String>,
    at: usize,
}

impl Reader {
    fn new(text: &str) -> Self {
        Self { tokens: tokens(text), at: 0 }
    }

    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        let token = self.peek().to_owned();
        self.at += 1;
        token
    }

    fn takes(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        self.at += usize::from(found);
        found
    }

    fn expects(&mut self, token: &str) {
        let found = self.next();
        assert_eq!(found, token, "near {:?}", &self.tokens[self.at.saturating_sub(8)..(self.at + 3).min(self.tokens.len())]);
    }

    /// `[String!]!`
    fn kind(&mut self) -> String {
        let mut kind = String::new();
        while ["[", "]", "!"].contains(&self.peek()) || kind.is_empty() || kind.ends_with('[') {
            kind.push_str(&self.next());
        }
        kind
    }

    fn skips_directives(&mut self) {
        while self.takes("@") {
            self.next();
            if self.takes("(") {
                while self.next() != ")" {}
            }
        }
    }

    fn fields(&mut self) -> Fields {
        let mut fields = Fields::new();
        self.expects("{");
        while !self.takes("}") {
            let name = self.next();
            let mut arguments = HashMap::new();
            if self.takes("(") {
                while !self.takes(")") {
                    let argument = self.next();
                    self.expects(":");
                    let kind = self.kind();
                    arguments.insert(argument, self.optional(kind));
                }
            }
            self.expects(":");
            let kind = self.kind();
            let kind = self.optional(kind);
            self.skips_directives();
            fields.insert(name, (kind, arguments));
        }
        fields
    }

    /// What has a default need not be given.
    fn optional(&mut self, kind: String) -> String {
        if self.takes("=") {
            self.next();
            return kind.trim_end_matches('!').to_owned();
        }
        kind
    }

    /// A value as it stands in a question, with its variables in.
    fn value(&mut self, variables: &Value) -> Value {
        match self.next().as_str() {
            "$" => {
                let name = self.next();
                variables.get(&name).cloned().unwrap_or(Value::Null)
            }
            "[" => {
                let mut items = Vec::new();
                while !self.takes("]") {
                    items.push(self.value(variables));
                }
                Value::Array(items)
            }
            "{" => {
                let mut fields = serde_json::Map::new();
                while !self.takes("}") {
                    let name = self.next();
                    self.expects(":");
                    fields.insert(name, self.value(variables));
                }
                Value::Object(fields)
            }
            // A word of an enum is as good as its text.
            word => serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned())),
        }
    }
}

/// The name within brackets and marks.
fn plain(kind: &str) -> &str {
    kind.trim_matches(['[', ']', '!'])
}

impl Schema {
    /// What the other schema does not have, or has otherwise.
    fn beyond(&self, other: &Self) -> Vec<String> {
        let mut beyond = Vec::new();
        for (ours, theirs) in [(&self.types, &other.types), (&self.inputs, &other.inputs)] {
            for (on, name, (kind, arguments)) in
                ours.iter().flat_map(|(on, fields)| fields.iter().map(move |(name, field)| (on, name, field)))
            {
                let known = theirs.get(on).and_then(|fields| fields.get(name));
                let fits = |(known, takes): &(String, HashMap<String, String>)| {
                    known == kind && arguments.iter().all(|(name, kind)| takes.get(name) == Some(kind))
                };
                beyond.extend((!known.is_some_and(fits)).then(|| format!("{on}.{name}: {kind} {arguments:?}")));
            }
        }
        for (name, words) in &self.enums {
            let known = other.enums.get(name).is_some_and(|known| words.iter().all(|word| known.contains(word)));
            beyond.extend((!known).then(|| format!("{name}: {words:?}")));
        }
        beyond
    }

    fn read(text: &str) -> Self {
        let (mut schema, mut reader) = (Self::default(), Reader::new(text));
        while reader.at < reader.tokens.len() {
            match reader.next().as_str() {
                "type" | "interface" => {
                    let name = reader.next();
                    while reader.peek() != "{" {
                        reader.next();
                    }
                    schema.types.insert(name, reader.fields());
                }
                "input" => {
                    let name = reader.next();
                    schema.inputs.insert(name, reader.fields());
                }
                "enum" => {
                    let name = reader.next();
                    reader.expects("{");
                    let mut words = Vec::new();
                    while !reader.takes("}") {
                        words.push(reader.next());
                        reader.skips_directives();
                    }
                    schema.enums.insert(name, words);
                }
                _ => {}
            }
        }
        assert!(schema.types.len() > 20 && schema.inputs.len() > 20, "the schema was not read");
        schema
    }

    fn faults(&self, text: &str, variables: &Value) -> Vec<String> {
        let (mut reader, mut faults) = (Reader::new(text), Vec::new());
        let root = if reader.next() == "mutation" { "Mutation" } else { "Query" };
        reader.next();
        let mut declared: HashMap<String, String> = HashMap::new();
        if reader.takes("(") {
            while !reader.takes(")") {
                reader.expects("$");
                let name = reader.next();
                reader.expects(":");
                let kind = reader.kind();
                self.check(&kind, variables.get(&name).unwrap_or(&Value::Null), &name, &mut faults);
                declared.insert(name, kind);
            }
        }
        for name in variables.as_object().into_iter().flat_map(serde_json::Map::keys).filter(|name| !declared.contains_key(*name)) {
            faults.push(format!("${name} is not declared"));
        }
        let fragments = fragments(text);
        self.selection(&mut reader, root, &declared, variables, &fragments, &mut faults);
        while reader.takes("fragment") {
            reader.next();
            reader.expects("on");
            let on = reader.next();
            self.selection(&mut reader, &on, &declared, variables, &fragments, &mut faults);
        }
        faults
    }

    /// `{ field(argument: …) { … } ...Fragment }`
    fn selection(
        &self,
        reader: &mut Reader,
        on: &str,
        declared: &HashMap<String, String>,
        variables: &Value,
        fragments: &HashMap<String, String>,
        faults: &mut Vec<String>,
    ) {
        reader.expects("{");
        while !reader.takes("}") {
            if reader.takes("...") {
                let name = reader.next();
                if fragments.get(&name).map(String::as_str) != Some(on) {
                    faults.push(format!("{on}: there is no fragment {name} on it"));
                }
                continue;
            }
            let name = reader.next();
            let known = self.types.get(on).and_then(|fields| fields.get(&name));
            if known.is_none() {
                faults.push(format!("{on}.{name} is not known"));
            }
            let (kind, arguments) = known.cloned().unwrap_or_default();
            self.arguments(reader, &format!("{on}.{name}"), &arguments, declared, variables, faults);
            let inner = self.types.contains_key(plain(&kind));
            if inner != (reader.peek() == "{") && known.is_some() {
                faults.push(format!("{on}.{name} is a {kind}: what is asked of it?"));
            }
            if reader.peek() == "{" {
                self.selection(reader, plain(&kind), declared, variables, fragments, faults);
            }
        }
    }

    fn arguments(
        &self,
        reader: &mut Reader,
        of: &str,
        known: &HashMap<String, String>,
        declared: &HashMap<String, String>,
        variables: &Value,
        faults: &mut Vec<String>,
    ) {
        let mut given = Vec::new();
        if reader.takes("(") {
            while !reader.takes(")") {
                let name = reader.next();
                reader.expects(":");
                let variable = (reader.peek() == "$").then(|| reader.tokens[reader.at + 1].clone());
                let value = reader.value(variables);
                match (known.get(&name), variable) {
                    (None, _) => faults.push(format!("{of} takes no {name}")),
                    (Some(kind), Some(variable)) => {
                        let fits = declared.get(&variable).is_some_and(|own| own == kind || own.trim_end_matches('!') == kind);
                        if !fits {
                            faults.push(format!("{of}: {name} is a {kind}, and ${variable} a {:?}", declared.get(&variable)));
                        }
                    }
                    (Some(kind), None) => self.check(kind, &value, &name, faults),
                }
                given.push(name);
            }
        }
        for (name, _) in known.iter().filter(|(name, kind)| kind.ends_with('!') && !given.contains(name)) {
            faults.push(format!("{of} needs {name}"));
        }
    }

    fn check(&self, kind: &str, value: &Value, at: &str, faults: &mut Vec<String>) {
        let Some(kind) = kind.strip_suffix('!') else {
            if !value.is_null() {
                self.check(&format!("{kind}!"), value, at, faults);
            }
            return;
        };
        if let Some(inner) = kind.strip_prefix('[').and_then(|kind| kind.strip_suffix(']')) {
            match value.as_array() {
                Some(items) => items.iter().enumerate().for_each(|(n, item)| self.check(inner, item, &format!("{at}/{n}"), faults)),
                None => faults.push(format!("{at}: {value} is no {kind}")),
            }
            return;
        }
        if let (Some(fields), Some(given)) = (self.inputs.get(kind), value.as_object()) {
            for (name, part) in given {
                match fields.get(name) {
                    Some((kind, _)) => self.check(kind, part, &format!("{at}/{name}"), faults),
                    None => faults.push(format!("{at}/{name} is not known to {kind}")),
                }
            }
            for (name, _) in fields.iter().filter(|(name, (kind, _))| kind.ends_with('!') && !given.contains_key(*name)) {
                faults.push(format!("{at}/{name} is missing"));
            }
            return;
        }
        let fits = match (kind, self.enums.get(kind)) {
            ("Int", _) => value.is_i64() || value.is_u64(),
            ("Float", _) => value.is_number(),
            ("Boolean", _) => value.is_boolean(),
            (_, Some(words)) => value.as_str().is_some_and(|word| words.iter().any(|known| known == word)),
            (_, None) => value.is_string() && !self.inputs.contains_key(kind),
        };
        if !fits {
            faults.push(format!("{at}: {value} is no {kind}"));
        }
    }
}

/// `fragment Name on Type`
fn fragments(text: &str) -> HashMap<String, String> {
    let tokens = tokens(text);
    tokens.windows(4).filter(|four| four[0] == "fragment" && four[2] == "on").map(|four| (four[1].clone(), four[3].clone())).collect()
}
