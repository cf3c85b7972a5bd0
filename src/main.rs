//! The binary: an allocator and a call into the command line.

fn main() {}
