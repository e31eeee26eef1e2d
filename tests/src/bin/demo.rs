//! `syncline-demo`: the demo, inside the lab or on a machine with a free card. See
//! [`syncline_tests::demo::show`].

use std::process::ExitCode;

use clap::Parser;
use syncline_tests::demo::show::{Options, run};

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(verdict) => {
            println!("{}", verdict.line);
            if verdict.pass { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(e) => {
            eprintln!("syncline-demo: error: {e}");
            println!("verdict: FAIL — {}", e.to_string().lines().next().unwrap_or_default());
            ExitCode::FAILURE
        }
    }
}
