//! Scans the content of a macro call or of an attribute: Rust only after expansion, so read as words and groups.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::module::{FlagCall, PathUse};
use super::parse::{leaves, line, text};

/// What a scan finds.
#[derive(Debug, Default)]
pub struct Found {
    pub paths: Vec<PathUse>,
    pub flags: Vec<FlagCall>,
    pub keywords: Vec<(String, usize)>,
}

pub fn scan(stream: TokenStream) -> Found {
    let mut found = Found::default();
    within(stream, &mut found);
    found
}

fn within(stream: TokenStream, found: &mut Found) {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let mut at = 0;
    while at < tokens.len() {
        match &tokens[at] {
            TokenTree::Ident(word) if word == "use" => {
                let end = (at..tokens.len()).find(|end| is_punct(&tokens, *end, ';')).unwrap_or(tokens.len());
                imports(&tokens[at..end], found);
                at = end;
            }
            TokenTree::Ident(word) => {
                let (path, end) = path_at(&tokens, at);
                named(&tokens, at, end, path, line(word.span()), found);
                at = end;
            }
            TokenTree::Group(group) => {
                within(group.stream(), found);
                at += 1;
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => at += 1,
        }
    }
}

/// Takes down a path, and the call it belongs to.
fn named(tokens: &[TokenTree], start: usize, end: usize, path: Vec<String>, line: usize, found: &mut Found) {
    if path == ["async"] || path == ["await"] {
        found.keywords.push((path[0].clone(), line));
    }
    if has_flag(tokens.get(end)) {
        let is_method = start > 0 && is_punct(tokens, start - 1, '.');
        found.flags.push(FlagCall { path: path.clone(), is_method, line });
    }
    if path.len() > 1 {
        found.paths.push(PathUse { path, line });
    }
}

/// The path that begins at `start`, and where it ends.
fn path_at(tokens: &[TokenTree], start: usize) -> (Vec<String>, usize) {
    let (mut path, mut at) = (Vec::new(), start);
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        path.push(text(word));
        at += 1;
        if !(is_punct(tokens, at, ':') && is_punct(tokens, at + 1, ':') && matches!(tokens.get(at + 2), Some(TokenTree::Ident(_)))) {
            break;
        }
        at += 2;
    }
    (path, at)
}

fn imports(statement: &[TokenTree], found: &mut Found) {
    let is_dollar = |token: &&TokenTree| matches!(token, TokenTree::Punct(dollar) if dollar.as_char() == '$');
    let tree: TokenStream = statement.iter().skip(1).filter(|token| !is_dollar(token)).cloned().collect();
    let mut imports = Vec::new();
    if let Ok(tree) = syn::parse2(tree) {
        leaves(&tree, &[], &mut imports);
    }
    found.paths.extend(imports.into_iter().map(|import| PathUse { path: import.path, line: import.line }));
}

fn is_punct(tokens: &[TokenTree], at: usize, wanted: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

/// Whether the token is an argument list with `true` or `false` for a whole argument.
fn has_flag(token: Option<&TokenTree>) -> bool {
    let Some(TokenTree::Group(group)) = token else { return false };
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    let is_flag = |part: &[TokenTree]| matches!(part, [TokenTree::Ident(word)] if word == "true" || word == "false");
    let is_comma = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    group.delimiter() == Delimiter::Parenthesis && tokens.split(is_comma).any(is_flag)
}

/// Whether the rules of a macro hold `struct $name`, `enum $name`, `trait $name` or `type $name`.
pub fn defines_a_given_type(stream: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => defines_a_given_type(group.stream()),
        TokenTree::Ident(word) => ["struct", "enum", "trait", "type"].iter().any(|kind| word == kind) && is_punct(&tokens, at + 1, '$'),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// The first word outside attributes and comments.
pub fn first_name(stream: TokenStream) -> Vec<Ident> {
    let first = stream.into_iter().find_map(|token| if let TokenTree::Ident(word) = token { Some(word) } else { None });
    first.into_iter().collect()
}

/// The word before a colon, at the start and after each semicolon.
pub fn row_names(stream: TokenStream) -> Vec<Ident> {
    let tokens: Vec<TokenTree> = stream.into_iter().collect();
    let is_end = |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';');
    let name = |row: &[TokenTree]| match row {
        [TokenTree::Ident(word), TokenTree::Punct(colon), ..] if colon.as_char() == ':' => Some(word.clone()),
        _ => None,
    };
    tokens.split(is_end).filter_map(name).collect()
}
