//! `cargo xtask`: set-up, the lab, demo, tests and benchmarks of Syncline.
//!
//! Builds with no system library present, since it is what installs them.

mod apps;
mod apt;
mod demo;
mod error;
mod fuzz;
mod lab;
mod layers;
mod mutants;
mod paths;
mod setup;
mod soak;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Set-up, lab, demo, tests and benchmarks of Syncline"
)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Install the system packages that are missing (Debian and Ubuntu; elsewhere print them)
    Setup(setup::Options),
    /// Show a client's fence on its way to the screen and back, proven by CRC
    Demo(demo::DemoOptions),
    /// Draw the README's picture of a desktop with this machine's terminal `foot`
    Picture(demo::PictureOptions),
    /// Check everything: format, lints, unit and doc tests, and the tests in the lab, each within a
    /// time budget
    Test(test::Options),
    /// Measure in the lab
    Bench(demo::BenchOptions),
    /// Send random requests to a session, most of them right, and shrink what harms it
    Fuzz(fuzz::Options),
    /// Change the code in small ways, and see whether the unit and fixture tests find each change
    Mutants(mutants::Options),
    /// Run mixed clients for minutes or hours, and check that nothing is left of them
    Soak(soak::Options),
    /// Run a command in the lab: a real kernel with vkms, vgem, sw_sync, udmabuf, vivid, vim2m and
    /// uinput, as an ordinary process
    Lab(lab::Options),
    /// Make a Debian sid with everyday programs, which the tests run in the lab
    Apps(apps::Options),
    /// Show who imports whom, and check it against docs/architecture.md
    Layers(layers::Options),
    /// The first process of the lab's kernel
    #[command(hide = true)]
    LabGuest {
        /// What the kernel adds to its command line
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        _ignored: Vec<String>,
    },
    /// Starts the lab's kernel or its build so that it dies with xtask
    #[command(hide = true)]
    LabExec(lab::trampoline::Options),
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Setup(options) => setup::main(&options),
        Task::Demo(options) => demo::demo(&options),
        Task::Picture(options) => demo::picture(&options),
        Task::Test(options) => test::main(&options),
        Task::Bench(options) => demo::bench(&options),
        Task::Fuzz(options) => fuzz::main(&options),
        Task::Mutants(options) => mutants::main(&options),
        Task::Soak(options) => soak::main(&options),
        Task::Lab(options) => lab::main(&options),
        Task::Apps(options) => apps::main(&options),
        Task::Layers(options) => layers::main(&options),
        Task::LabGuest { .. } => lab::guest::main().map(|()| 0),
        Task::LabExec(options) => lab::trampoline::main(&options),
    };
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::from(error.exit_status())
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Task};

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        let lab = Cli::parse_from(["xtask", "lab", "--timeout", "7", "--", "ls", "-l", "--env"]);
        assert!(
            matches!(lab.task, Task::Lab(options) if options.timeout == 7 && options.command == ["ls", "-l", "--env"])
        );
        let apps = Cli::parse_from(["xtask", "apps", "--list", "--", "foot", "--version"]);
        assert!(matches!(apps.task, Task::Apps(_)));
        let guest = Cli::parse_from(["xtask", "lab-guest", "console=tty0"]);
        assert!(matches!(guest.task, Task::LabGuest { .. }));
    }
}
