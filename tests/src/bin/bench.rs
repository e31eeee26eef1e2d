//! `syncline-bench`: what a frame costs. See [`syncline_tests::bench`].

use std::process::ExitCode;

use clap::Parser;
use syncline_tests::bench::{Bench, Options, frame};

fn main() -> ExitCode {
    let Bench::Frame(options) = Options::parse().what;
    match frame::run(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            println!("a limit is broken");
            ExitCode::FAILURE
        }
        Err(e) => {
            eprintln!("syncline-bench: error: {e}");
            ExitCode::FAILURE
        }
    }
}
