//! All modules together: which module a path leads to, through imports and re-exports.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::thread;

use super::module::{Import, Module};
use super::parse;
use super::source::{self, SourceFile};

/// Where a path leads: to a module or item of ours, from the crate's root, or outside the crate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Ours(Vec<String>),
    Outside(Vec<String>),
}

/// A path that a module names, by `use` or in its code, and where it leads.
#[derive(Debug)]
pub struct Use {
    pub file: String,
    pub line: usize,
    /// The module that names the path.
    pub module: Vec<String>,
    pub target: Target,
    pub is_glob: bool,
    pub is_test: bool,
}

impl Use {
    pub fn at(&self) -> String {
        format!("src/{}:{}", self.file, self.line)
    }
}

#[derive(Debug, Default)]
pub struct Tree {
    pub modules: BTreeMap<Vec<String>, Module>,
    pub uses: Vec<Use>,
}

/// Longest chain of imports and re-exports that is followed. A longer one is a circle.
const MAX_STEPS: usize = 16;

impl Tree {
    /// The sources of the project, parsed once.
    pub fn of_the_project() -> &'static Self {
        static TREE: OnceLock<Tree> = OnceLock::new();
        TREE.get_or_init(|| Self::of(&source::files()))
    }

    pub fn of(files: &[SourceFile]) -> Self {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let share = files.len().div_ceil(cores).max(1);
        let parsed: Vec<Module> = thread::scope(|scope| {
            let readers: Vec<_> =
                files.chunks(share).map(|part| scope.spawn(|| part.iter().flat_map(parse::modules).collect::<Vec<_>>())).collect();
            readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
        });
        let modules = parsed.into_iter().map(|module| (module.path.clone(), module)).collect();
        let mut tree = Self { modules, uses: Vec::new() };
        tree.mark_tests();
        tree.uses = tree.modules.values().flat_map(|module| tree.uses_of(module)).collect();
        tree
    }

    /// A tree written in a test: paths below `src/` with their text.
    pub fn sample(files: &[(&str, &str)]) -> Self {
        Self::of(&files.iter().map(|(path, text)| SourceFile::new(path, text)).collect::<Vec<_>>())
    }

    /// A module below a test module is one too. A parent comes before its children in the order of paths.
    fn mark_tests(&mut self) {
        let paths: Vec<Vec<String>> = self.modules.keys().cloned().collect();
        for path in paths {
            let Some((name, parent)) = path.split_last() else { continue };
            let is_test = self.modules.get(parent).is_some_and(|parent| parent.is_test || parent.test_children.contains(name));
            self.modules.get_mut(&path).unwrap().is_test |= is_test;
        }
    }

    fn uses_of<'a>(&'a self, module: &'a Module) -> impl Iterator<Item = Use> + 'a {
        let named = |line, path: &[String], is_glob| Use {
            file: module.file.clone(),
            line,
            module: module.path.clone(),
            target: self.target(&module.path, path),
            is_glob,
            is_test: module.is_test,
        };
        let imports = module.imports.iter().map(move |import| named(import.line, &import.path, import.alias.is_none()));
        imports.chain(module.paths.iter().map(move |path| named(path.line, &path.path, false)))
    }

    /// Where a path leads that the module `at` names. Re-exports are not followed.
    pub fn target(&self, at: &[String], path: &[String]) -> Target {
        self.expand(at, path, 0)
    }

    fn expand(&self, at: &[String], path: &[String], steps: usize) -> Target {
        let Some((first, rest)) = path.split_first().filter(|_| steps < MAX_STEPS) else { return Target::Ours(at.to_vec()) };
        match first.as_str() {
            "" => Target::Outside(rest.to_vec()),
            "crate" | "issue_core" => Target::Ours(rest.to_vec()),
            "self" => below(at, rest),
            "super" => {
                let parent = &at[..at.len().saturating_sub(1)];
                if rest.first().is_some_and(|next| next == "super") { self.expand(parent, rest, steps + 1) } else { below(parent, rest) }
            }
            _ => self.by_name(at, first, path, steps),
        }
    }

    /// A path that begins with a name: of an import, a child, an item, something behind a glob, or an outside crate.
    fn by_name(&self, at: &[String], first: &String, path: &[String], steps: usize) -> Target {
        let Some(module) = self.modules.get(at) else { return Target::Outside(path.to_vec()) };
        if let Some(import) = named(module, first).find(|import| import.path.first() != Some(first)) {
            return match self.expand(at, &import.path, steps + 1) {
                Target::Ours(start) => Target::Ours([&start, &path[1..]].concat()),
                Target::Outside(start) => Target::Outside([&start, &path[1..]].concat()),
            };
        }
        if self.modules.contains_key(&[at, std::slice::from_ref(first)].concat()) || module.items.contains(first) {
            return below(at, path);
        }
        for glob in module.imports.iter().filter(|import| import.alias.is_none()) {
            if let Target::Ours(from) = self.expand(at, &glob.path, steps + 1)
                && from != at
                && self.has(&from, first)
            {
                return self.expand(&from, path, steps + 1);
            }
        }
        Target::Outside(path.to_vec())
    }

    /// Whether a module has the name: as a child, an item or an import.
    fn has(&self, at: &[String], name: &String) -> bool {
        let module = self.modules.get(at);
        self.modules.contains_key(&[at, std::slice::from_ref(name)].concat())
            || module.is_some_and(|module| module.items.contains(name) || named(module, name).next().is_some())
    }

    /// The module that defines what a path of ours leads to, re-exports followed.
    pub fn definer(&self, path: &[String]) -> Vec<String> {
        self.find(path, 0).unwrap_or_else(|| {
            let depth = (0..=path.len()).rev().find(|depth| self.modules.contains_key(&path[..*depth]));
            path[..depth.unwrap_or(0)].to_vec()
        })
    }

    fn find(&self, path: &[String], steps: usize) -> Option<Vec<String>> {
        if steps > MAX_STEPS {
            return None;
        }
        let depth = (0..=path.len()).rev().find(|depth| self.modules.contains_key(&path[..*depth]))?;
        let (at, rest) = path.split_at(depth);
        let (module, Some(name)) = (&self.modules[at], rest.first()) else { return Some(at.to_vec()) };
        if module.items.contains(name) {
            return Some(at.to_vec());
        }
        let follow = |import: &Import, rest: &[String]| match self.expand(at, &import.path, 0) {
            Target::Ours(start) if start != path => self.find(&[&start, rest].concat(), steps + 1),
            Target::Ours(_) | Target::Outside(_) => None,
        };
        let by_alias = named(module, name).find_map(|import| follow(import, &rest[1..]));
        by_alias.or_else(|| module.imports.iter().filter(|import| import.alias.is_none()).find_map(|glob| follow(glob, rest)))
    }
}

/// A path of ours below a module.
fn below(at: &[String], rest: &[String]) -> Target {
    Target::Ours([at, rest].concat())
}

fn named<'a>(module: &'a Module, name: &'a String) -> impl Iterator<Item = &'a Import> {
    module.imports.iter().filter(move |import| import.alias.as_ref() == Some(name))
}

/// The names of a path: `a::b` is `["a", "b"]`.
pub fn names(path: &str) -> Vec<String> {
    path.split("::").map(str::to_owned).collect()
}
