//! What the compiler does not watch by itself.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

fn main() {
    // A new migration file must reach the binary.
    println!("cargo:rerun-if-changed=migrations");
    embed_migrations("postgres");
    embed_migrations("sqlite");
}

/// Writes `OUT_DIR/migrations_DIALECT.rs`: version, description and SQL of each migration, for `store/migrate.rs`.
#[expect(clippy::disallowed_methods, reason = "cargo says in this variable where a build script may write")]
fn embed_migrations(dialect: &str) {
    let folder = Path::new("migrations").join(dialect);
    let entries = fs::read_dir(&folder).expect("the folder can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the entry can be read").path()).collect();
    paths.sort();
    let mut list = String::from("&[\n");
    for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "sql")) {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("the name is UTF-8");
        let (version, words) = stem.split_once('_').unwrap_or_else(|| panic!("{stem}: name a migration 0001_what_it_does.sql"));
        let version: i64 = version.parse().unwrap_or_else(|_| panic!("{stem}: the name starts with no number"));
        let (name, file) = (words.replace('_', " "), path.display().to_string());
        // Not the absolute path: a copied target directory would still read the files of the place it was copied from.
        let text = format!("include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {:?}))", format!("/{file}"));
        writeln!(list, "    ({version}, {name:?}, {text}),").expect("a string takes it");
    }
    let out = std::env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&out).join(format!("migrations_{dialect}.rs")), list + "]\n").expect("OUT_DIR can be written to");
}
