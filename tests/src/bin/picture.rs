//! `syncline-picture`: the picture of the README. See [`syncline_tests::picture`].

use std::process::ExitCode;

use clap::Parser;
use syncline_tests::picture::{Options, run};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("syncline-picture: error: {error}");
            ExitCode::FAILURE
        }
    }
}
