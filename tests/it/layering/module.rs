//! What the parser keeps of a module.

/// A module, of a file or inside one.
#[derive(Debug, Default)]
pub struct Module {
    pub file: String,
    pub path: Vec<String>,
    /// Compiled for tests only. For the module of a file its parent says so.
    pub is_test: bool,
    pub test_children: Vec<String>,
    pub imports: Vec<Import>,
    pub paths: Vec<PathUse>,
    pub items: Vec<String>,
    pub types: Vec<TypeName>,
    pub functions: Vec<Function>,
    pub flags: Vec<FlagCall>,
    /// `async`, `await` and the macros that print, each with its line.
    pub keywords: Vec<(String, usize)>,
    /// The module's macros that define a type by a name they are given.
    pub type_macros: Vec<String>,
}

/// A leaf of a `use`. Its alias is the name it adds to the module; a glob has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    pub path: Vec<String>,
    pub alias: Option<String>,
    pub line: usize,
}

/// A path of two names or more in the code. A path with leading colons begins with an empty name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathUse {
    pub path: Vec<String>,
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeName {
    pub name: String,
    pub line: usize,
    pub kind: TypeKind,
    pub is_public: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeKind {
    /// A `struct`, an `enum` or a `trait`.
    Definition,
    Alias,
    /// Defined by one of our macros.
    Macro,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub is_method: bool,
}

/// A call, outside tests, with a bare `true` or `false` among its arguments. A method call has one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagCall {
    pub path: Vec<String>,
    pub is_method: bool,
    pub line: usize,
}
