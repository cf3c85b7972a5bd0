//! Reads one source file: its modules, and what each of them imports, names, defines and calls.
//!
//! The parser is `syn`, so comments and strings never count. The content of a macro call is not Rust yet: [`super::tokens`]
//! scans it word by word.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Ident, Item, Lit, Meta, UseTree, Visibility};

use super::module::{FlagCall, Function, Import, Module, PathUse, TypeKind, TypeName};
use super::source::SourceFile;
use super::tokens;

/// Our macros that define types, and how their content states the names.
const TYPE_MACROS: &[(&str, Names)] =
    &[("vocabulary", Names::First), ("spec", Names::First), ("uuid_id", Names::First), ("texts", Names::EachRow), ("sets", Names::EachRow)];

#[derive(Clone, Copy)]
enum Names {
    /// The first word after the comments.
    First,
    /// The word before a colon at the start and after each semicolon.
    EachRow,
}

/// The macros of the standard library that print.
const PRINTERS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Whether the parser knows which types a macro defines.
pub fn knows_type_macro(name: &str) -> bool {
    TYPE_MACROS.iter().any(|(known, _)| *known == name)
}

/// The modules of a file: its own first, then those inside it.
pub fn modules(file: &SourceFile) -> Vec<Module> {
    let parsed = syn::parse_file(&file.text).unwrap_or_else(|error| panic!("{}: {error}", file.path));
    let own = Module { file: file.path.clone(), path: file.module(), ..Module::default() };
    let mut reader = Reader { modules: vec![own], open: vec![0], is_test: false, is_in_block: false };
    reader.visit_file(&parsed);
    reader.modules
}

struct Reader {
    modules: Vec<Module>,
    /// The modules around the present position, the innermost last.
    open: Vec<usize>,
    is_test: bool,
    is_in_block: bool,
}

impl Reader {
    fn module(&mut self) -> &mut Module {
        let innermost = *self.open.last().unwrap();
        &mut self.modules[innermost]
    }

    fn define(&mut self, name: &Ident, kind: TypeKind, visibility: &Visibility) {
        if !self.is_in_block && !self.is_test {
            let is_public = !matches!(visibility, Visibility::Inherited);
            let named = TypeName { name: text(name), line: line(name.span()), kind, is_public };
            self.module().types.push(named);
        }
    }

    fn function(&mut self, name: &Ident, is_method: bool) {
        let function = Function { name: text(name), is_method };
        if !self.is_test {
            self.module().functions.push(function);
        }
    }

    fn flag(&mut self, flag: FlagCall) {
        if !self.is_test {
            self.module().flags.push(flag);
        }
    }

    fn keyword(&mut self, word: &str, span: Span) {
        self.module().keywords.push((word.to_owned(), line(span)));
    }

    fn path(&mut self, path: &syn::Path) {
        let names = path_names(path);
        if names.len() > 1 {
            self.module().paths.push(PathUse { path: names, line: path_line(path) });
        }
    }

    fn scan(&mut self, stream: proc_macro2::TokenStream) {
        let found = tokens::scan(stream);
        found.flags.into_iter().for_each(|flag| self.flag(flag));
        let module = self.module();
        module.paths.extend(found.paths);
        module.keywords.extend(found.keywords);
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        let before = self.is_test;
        self.is_test |= attributes(item).iter().any(is_for_tests);
        if let Some(name) = name(item).filter(|_| !self.is_in_block) {
            let name = text(name);
            self.module().items.push(name);
        }
        visit::visit_item(self, item);
        self.is_test = before;
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        let (name, is_test) = (text(&item.ident), self.is_test);
        let parent = self.module();
        let path = [parent.path.clone(), vec![name.clone()]].concat();
        let file = parent.file.clone();
        let Some((_, items)) = &item.content else {
            if is_test {
                parent.test_children.push(name);
            }
            return;
        };
        self.modules.push(Module { file, path, is_test, ..Module::default() });
        self.open.push(self.modules.len() - 1);
        for item in items {
            self.visit_item(item);
        }
        self.open.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let start = if item.leading_colon.is_some() { vec![String::new()] } else { Vec::new() };
        let imports = &mut self.module().imports;
        leaves(&item.tree, &start, imports);
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let Some(name) = item.ident.as_ref().filter(|_| tokens::defines_a_given_type(item.mac.tokens.clone())) {
            let name = text(name);
            self.module().type_macros.push(name);
        }
        let called = item.mac.path.segments.last().map(|segment| text(&segment.ident)).unwrap_or_default();
        if let Some((_, names)) = TYPE_MACROS.iter().find(|(name, _)| *name == called).filter(|_| item.ident.is_none() && !self.is_test) {
            let found = match names {
                Names::First => tokens::first_name(item.mac.tokens.clone()),
                Names::EachRow => tokens::row_names(item.mac.tokens.clone()),
            };
            for name in found {
                let made = TypeName { name: text(&name), line: line(name.span()), kind: TypeKind::Macro, is_public: true };
                self.module().items.push(made.name.clone());
                self.module().types.push(made);
            }
        }
        visit::visit_item_macro(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.define(&item.ident, TypeKind::Definition, &item.vis);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.define(&item.ident, TypeKind::Definition, &item.vis);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.define(&item.ident, TypeKind::Definition, &item.vis);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.define(&item.ident, TypeKind::Alias, &item.vis);
        visit::visit_item_type(self, item);
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let before = std::mem::replace(&mut self.is_in_block, true);
        visit::visit_block(self, block);
        self.is_in_block = before;
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let Some(word) = &signature.asyncness {
            self.keyword("async", word.span);
        }
        self.function(&signature.ident, signature.receiver().is_some());
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, expression: &'ast syn::ExprAsync) {
        self.keyword("async", expression.async_token.span);
        visit::visit_expr_async(self, expression);
    }

    fn visit_expr_closure(&mut self, expression: &'ast syn::ExprClosure) {
        if let Some(word) = &expression.asyncness {
            self.keyword("async", word.span);
        }
        visit::visit_expr_closure(self, expression);
    }

    fn visit_expr_await(&mut self, expression: &'ast syn::ExprAwait) {
        self.keyword("await", expression.await_token.span);
        visit::visit_expr_await(self, expression);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let Expr::Path(function) = &*call.func
            && call.args.iter().any(is_flag)
        {
            let flag = FlagCall { path: path_names(&function.path), is_method: false, line: path_line(&function.path) };
            self.flag(flag);
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.args.iter().any(is_flag) {
            let flag = FlagCall { path: vec![text(&call.method)], is_method: true, line: line(call.method.span()) };
            self.flag(flag);
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(path);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(name) = call.path.get_ident().filter(|name| PRINTERS.iter().any(|printer| name == printer)) {
            self.keyword(&format!("{}!", text(name)), name.span());
        }
        self.scan(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone());
        }
        visit::visit_attribute(self, attribute);
    }

    /// `pub(in path)` names a module around the item, so it is no use.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}

/// The leaves of a `use`, below the names that lead to it.
pub fn leaves(tree: &UseTree, before: &[String], found: &mut Vec<Import>) {
    let path = |name: &Ident| if name == "self" { before.to_vec() } else { [before, &[text(name)]].concat() };
    match tree {
        UseTree::Path(step) => leaves(&step.tree, &path_step(before, &step.ident), found),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, before, found)),
        UseTree::Glob(glob) => found.push(Import { path: before.to_vec(), alias: None, line: line(glob.star_token.spans[0]) }),
        UseTree::Name(leaf) => {
            let path = path(&leaf.ident);
            found.push(Import { alias: path.last().cloned(), path, line: line(leaf.ident.span()) });
        }
        UseTree::Rename(leaf) => {
            found.push(Import { path: path(&leaf.ident), alias: Some(text(&leaf.rename)), line: line(leaf.ident.span()) });
        }
    }
}

fn path_step(before: &[String], name: &Ident) -> Vec<String> {
    [before, &[text(name)]].concat()
}

fn path_names(path: &syn::Path) -> Vec<String> {
    let start = path.leading_colon.as_ref().map(|_| String::new());
    start.into_iter().chain(path.segments.iter().map(|segment| text(&segment.ident))).collect()
}

fn path_line(path: &syn::Path) -> usize {
    path.segments.first().map_or(0, |first| line(first.ident.span()))
}

fn is_flag(argument: &Expr) -> bool {
    matches!(argument, Expr::Lit(literal) if matches!(literal.lit, Lit::Bool(_)))
}

/// Whether an attribute is `#[cfg(test)]`.
fn is_for_tests(attribute: &Attribute) -> bool {
    matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("cfg") && list.tokens.to_string() == "test")
}

#[expect(clippy::wildcard_enum_match_arm, reason = "syn may add kinds of items; the sources use none of the others")]
fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "an implementation or a module defines no item by its name")]
fn name(item: &Item) -> Option<&Ident> {
    match item {
        Item::Const(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        Item::Macro(item) => item.ident.as_ref(),
        Item::Static(item) => Some(&item.ident),
        Item::Struct(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        _ => None,
    }
}

/// The name, without the `r#` of a keyword.
pub fn text(name: &Ident) -> String {
    name.unraw().to_string()
}

pub fn line(span: Span) -> usize {
    span.start().line
}
