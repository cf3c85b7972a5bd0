//! What the compiler does not watch by itself.

fn main() {
    // A new migration file must reach the binary.
    println!("cargo:rerun-if-changed=migrations");
}
