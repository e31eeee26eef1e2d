//! `syncline-demo-client`: a fullscreen client whose fences signal late. See
//! [`syncline_tests::demo`].

use std::process::ExitCode;

use clap::Parser;
use syncline_tests::demo::{Options, run};

fn main() -> ExitCode {
    match run::main(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("syncline-demo-client: error: {e}");
            ExitCode::FAILURE
        }
    }
}
