//! Links the module so that it finds its own functions first: `recvmsg`, which a session reads its
//! clients through, is also in the C library of the suite.

fn main() {
    println!("cargo:rustc-cdylib-link-arg=-Wl,-Bsymbolic");
    println!("cargo:rerun-if-changed=src/build.rs");
}
