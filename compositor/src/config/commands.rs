//! `[commands]`: the programs that actions such as `lock` and `volume up` start.

use serde::{Deserialize, Serialize};

documented! {
    /// Programs by what they do: the name of each, and its arguments. An empty list: none.
    #[derive(Debug, Clone, Deserialize, Serialize)]
    #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
    pub struct Commands {
        /// Locks the session.
        pub lock: Vec<String>,
        /// Puts the machine to sleep.
        pub suspend: Vec<String>,
        /// The display becomes brighter.
        pub brightness_up: Vec<String>,
        /// The display becomes darker.
        pub brightness_down: Vec<String>,
        /// Sound becomes louder.
        pub volume_up: Vec<String>,
        /// Sound becomes softer.
        pub volume_down: Vec<String>,
        /// Turns sound off or on.
        pub volume_mute: Vec<String>,
        /// Turns the microphone off or on.
        pub microphone_mute: Vec<String>,
        /// Plays, or pauses.
        pub media_play: Vec<String>,
        /// Stops what plays.
        pub media_stop: Vec<String>,
        /// Plays the next title.
        pub media_next: Vec<String>,
        /// Plays the title before.
        pub media_previous: Vec<String>,
    }
}

impl Default for Commands {
    fn default() -> Self {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect();
        Self {
            lock: words("swaylock -f"),
            suspend: words("systemctl suspend"),
            brightness_up: words("brightnessctl set +5%"),
            brightness_down: words("brightnessctl set 5%-"),
            volume_up: words("wpctl set-volume -l 1 @DEFAULT_AUDIO_SINK@ 5%+"),
            volume_down: words("wpctl set-volume @DEFAULT_AUDIO_SINK@ 5%-"),
            volume_mute: words("wpctl set-mute @DEFAULT_AUDIO_SINK@ toggle"),
            microphone_mute: words("wpctl set-mute @DEFAULT_AUDIO_SOURCE@ toggle"),
            media_play: words("playerctl play-pause"),
            media_stop: words("playerctl stop"),
            media_next: words("playerctl next"),
            media_previous: words("playerctl previous"),
        }
    }
}
