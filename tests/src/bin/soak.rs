//! `syncline-soak`: many clients for a long time, and what the compositor holds afterwards. See
//! [`syncline_tests::soak`].

use std::process::ExitCode;

use clap::Parser;
use syncline_tests::soak::{Options, What, player, run};

fn main() -> ExitCode {
    let well = match Options::parse().what {
        What::Run(options) => run::run(&options),
        What::Client(options) => player::run(&options).map(|()| true),
    };
    match well {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("syncline-soak: error: {e}");
            ExitCode::FAILURE
        }
    }
}
