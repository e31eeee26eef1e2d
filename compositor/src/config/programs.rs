//! Which setting names the program of an action.

use crate::{actions::action::Command, config::Config};

/// The program that an action names, with its key in the configuration.
pub fn program(config: &Config, command: Command) -> (&[String], &'static str) {
    let of = &config.commands;
    let (program, key): (&Vec<String>, _) = match command {
        Command::Terminal => (&config.terminal, "terminal"),
        Command::Launcher => (&config.launcher, "launcher"),
        Command::Lock => (&of.lock, "commands.lock"),
        Command::Suspend => (&of.suspend, "commands.suspend"),
        Command::BrightnessUp => (&of.brightness_up, "commands.brightness-up"),
        Command::BrightnessDown => (&of.brightness_down, "commands.brightness-down"),
        Command::VolumeUp => (&of.volume_up, "commands.volume-up"),
        Command::VolumeDown => (&of.volume_down, "commands.volume-down"),
        Command::VolumeMute => (&of.volume_mute, "commands.volume-mute"),
        Command::MicrophoneMute => (&of.microphone_mute, "commands.microphone-mute"),
        Command::MediaPlay => (&of.media_play, "commands.media-play"),
        Command::MediaStop => (&of.media_stop, "commands.media-stop"),
        Command::MediaNext => (&of.media_next, "commands.media-next"),
        Command::MediaPrevious => (&of.media_previous, "commands.media-previous"),
    };
    (program, key)
}
