//! A new migration file must reach the binary: the compiler does not watch the folder by itself.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
