//! Writes what a package has beside the program, from its command line: manual pages into `DIR/man`, completions of
//! bash, zsh and fish into `DIR/completions`.
//!
//! `cargo run -p syncline --example generate -- DIR`. The program itself carries none of it.

use std::{env, fs, io, path::PathBuf, process::ExitCode};

use clap_complete::Shell;

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("generate: error: say into which folder, for example target/generated");
        return ExitCode::from(2);
    };
    match write(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: error: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &std::path::Path) -> io::Result<()> {
    let (man, completions) = (folder.join("man"), folder.join("completions"));
    fs::create_dir_all(&man)?;
    fs::create_dir_all(&completions)?;
    clap_mangen::generate_to(syncline::command(), &man)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut syncline::command(), "syncline", &completions)?;
    }
    Ok(())
}
