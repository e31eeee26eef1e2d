//! `syncline-bench`: what a frame costs. See [`syncline_tests::bench`].

use std::process::ExitCode;

use clap::Parser;
use syncline_tests::bench::{Bench, Options, capture, desktop, dmabuf, frame, hostile, kms, scale};

fn main() -> ExitCode {
    let kept = match Options::parse().what {
        Bench::Capture(options) => capture::run(&options),
        Bench::Desktop(options) => desktop::run(&options),
        Bench::Dmabuf(options) => dmabuf::run(&options),
        Bench::Frame(options) => frame::run(&options),
        Bench::Hostile(options) => hostile::run(&options),
        Bench::Kms(options) => kms::run(&options),
        Bench::Scale(options) => scale::run(&options),
    };
    match kept {
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
