//! A new migration file must reach the binary: the compiler does not watch the folder by itself. And the tests that need the
//! vendors' own descriptions are reported as ignored where there are none.

use std::path::Path;

fn main() {
    println!("cargo:rerun-if-changed=migrations");
    println!("cargo:rustc-check-cfg=cfg(vendor_specs)");
    println!("cargo:rerun-if-env-changed=VENDOR_SPECS");
    #[expect(clippy::disallowed_methods, reason = "how the build is told where they are")]
    let folder = std::env::var("VENDOR_SPECS").unwrap_or_else(|_| "../shared/specs".to_owned());
    if Path::new(&folder).is_dir() {
        println!("cargo:rustc-cfg=vendor_specs");
    }
}
