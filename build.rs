//! What the compiler does not watch by itself.

use std::path::Path;

/// Schemas of custom resources that some machines have beside the project.
const CRD_SCHEMAS: &str = "../shared/k8s-schemas";

fn main() {
    // A new migration file must reach the binary.
    println!("cargo:rerun-if-changed=migrations");
    // A test that needs the schemas reports itself ignored where they are not.
    println!("cargo:rustc-check-cfg=cfg(has_crd_schemas)");
    if Path::new(CRD_SCHEMAS).is_dir() {
        println!("cargo:rustc-cfg=has_crd_schemas");
        println!("cargo:rerun-if-changed={CRD_SCHEMAS}");
    }
    // And one that needs the vendors' own descriptions of their APIs.
    println!("cargo:rustc-check-cfg=cfg(vendor_specs)");
    println!("cargo:rerun-if-env-changed=VENDOR_SPECS");
    #[expect(clippy::disallowed_methods, reason = "how the build is told where they are")]
    let folder = std::env::var("VENDOR_SPECS").unwrap_or_else(|_| "../shared/specs".to_owned());
    if Path::new(&folder).is_dir() {
        println!("cargo:rustc-cfg=vendor_specs");
    }
}
