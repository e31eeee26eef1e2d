//! `[[sandbox]]`: which globals that concern the whole session sandboxed applications see.

use serde::{Deserialize, Serialize};

/// A global that affects the whole session, or tells about it. Sandboxed clients do not see it
/// unless a rule says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
pub enum PrivilegedGlobal {
    #[serde(rename = "ext_data_control_manager_v1")]
    ExtDataControl,
    #[serde(rename = "ext_foreign_toplevel_list_v1")]
    ToplevelList,
    #[serde(rename = "zwlr_data_control_manager_v1")]
    WlrDataControl,
    #[serde(rename = "zwlr_foreign_toplevel_manager_v1")]
    ToplevelManagement,
    #[serde(rename = "ext_idle_notifier_v1")]
    IdleNotifier,
    #[serde(rename = "ext_image_copy_capture_manager_v1")]
    ImageCopyCapture,
    #[serde(rename = "ext_output_image_capture_source_manager_v1")]
    OutputCapture,
    #[serde(rename = "ext_foreign_toplevel_image_capture_source_manager_v1")]
    ToplevelCapture,
    #[serde(rename = "zwlr_screencopy_manager_v1")]
    Screencopy,
    #[serde(rename = "ext_transient_seat_manager_v1")]
    TransientSeat,
    #[serde(rename = "ext_workspace_manager_v1")]
    Workspaces,
    #[serde(rename = "ext_session_lock_manager_v1")]
    SessionLock,
    #[serde(rename = "zwlr_layer_shell_v1")]
    LayerShell,
    #[serde(rename = "zwlr_gamma_control_manager_v1")]
    GammaControl,
    #[serde(rename = "zwlr_output_manager_v1")]
    OutputManagement,
    #[serde(rename = "zwlr_output_power_manager_v1")]
    OutputPower,
    #[serde(rename = "zwlr_virtual_pointer_manager_v1")]
    VirtualPointer,
    #[serde(rename = "zwp_virtual_keyboard_manager_v1")]
    VirtualKeyboard,
    #[serde(rename = "zwp_input_method_manager_v2")]
    InputMethod,
}

documented! {
    /// What some sandboxed applications may see. Without a rule they see nothing that is privileged;
    /// what several rules allow is added up.
    #[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    pub struct SandboxRule {
        /// The sandbox engine, such as `org.flatpak`; absent: any.
        pub engine: Option<String>,
        /// The application, as the engine names it; absent: any.
        pub app_id: Option<String>,
        /// The globals that these applications see.
        pub allow: Vec<PrivilegedGlobal>,
    }
}

/// The globals that `rules` allow to an application of a sandbox engine.
pub fn allowed(rules: &[SandboxRule], engine: Option<&str>, app_id: Option<&str>) -> Vec<PrivilegedGlobal> {
    let fits = |rule: &Option<String>, is: Option<&str>| rule.as_deref().is_none_or(|rule| Some(rule) == is);
    let rules = rules.iter().filter(|rule| fits(&rule.engine, engine) && fits(&rule.app_id, app_id));
    let mut allowed: Vec<_> = rules.flat_map(|rule| &rule.allow).copied().collect();
    allowed.dedup();
    allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        sandbox: Vec<SandboxRule>,
    }

    const RULES: &str = r#"
        [[sandbox]]
        engine = "org.flatpak"
        app-id = "org.example.Player"
        allow = ["ext_idle_notifier_v1"]

        [[sandbox]]
        engine = "org.example.engine"
        allow = ["zwlr_output_power_manager_v1"]
    "#;

    #[test]
    fn rules_are_for_an_engine_an_application_or_both() {
        use PrivilegedGlobal::{IdleNotifier, OutputPower};
        let rules = toml::from_str::<File>(RULES).unwrap().sandbox;
        let table = [
            (Some("org.flatpak"), Some("org.example.Player"), vec![IdleNotifier]),
            (Some("org.flatpak"), Some("org.example.Other"), vec![]),
            (Some("org.flatpak"), None, vec![]),
            (Some("org.example.engine"), Some("org.example.Player"), vec![OutputPower]),
            (Some("org.example.engine"), None, vec![OutputPower]),
            (None, Some("org.example.Player"), vec![]),
        ];
        for (engine, app_id, expected) in table {
            assert_eq!(allowed(&rules, engine, app_id), expected, "{engine:?} {app_id:?}");
        }
    }

    #[test]
    fn a_global_that_is_not_privileged_cannot_be_allowed() {
        let error = toml::from_str::<File>("[[sandbox]]\nallow = [\"wl_seat\"]").unwrap_err().to_string();
        assert!(error.contains("wl_seat") && error.contains("ext_idle_notifier_v1"), "{error}");
        assert!(toml::from_str::<File>("[[sandbox]]\nengine = \"org.flatpak\"").is_err(), "allow is missing");
    }
}
