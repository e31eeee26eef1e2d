//! Requests of configurations, and the mistakes that they may contain.

use wayland_protocols_wlr::output_management::v1::server::{
    zwlr_output_configuration_head_v1::{self as of_head, ZwlrOutputConfigurationHeadV1},
    zwlr_output_configuration_v1::{self as configuration, ZwlrOutputConfigurationV1},
    zwlr_output_head_v1::{AdaptiveSyncState, ZwlrOutputHeadV1},
    zwlr_output_mode_v1::ZwlrOutputModeV1,
};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, Resource, WEnum};

use crate::output_management::{
    Answer, ConfigurationData, ConfigurationHeadData, Head, HeadData, ModeData, ModeWish, OutputManagementHandler,
    OutputManagementState, Wanted,
};

/// The number of a head that the compositor has made.
fn number_of(head: &ZwlrOutputHeadV1) -> Option<u64> {
    head.data::<HeadData>().map(|data| data.number)
}

impl<D> Dispatch<ZwlrOutputConfigurationV1, ConfigurationData, D> for OutputManagementState
where
    D: Dispatch<ZwlrOutputConfigurationV1, ConfigurationData>
        + Dispatch<ZwlrOutputConfigurationHeadV1, ConfigurationHeadData>
        + OutputManagementHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwlrOutputConfigurationV1,
        request: configuration::Request,
        data: &ConfigurationData,
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        use configuration::{Error, Request};
        let name = match &request {
            Request::EnableHead { .. } => "enable_head",
            Request::DisableHead { .. } => "disable_head",
            Request::Apply => "apply",
            Request::Test => "test",
            _ => return,
        };
        let mut known = data.lock();
        let used = known.used.then(|| format!("{name}: the configuration has been applied or tested"));
        let twice = || format!("{name}: the head is in the configuration already");
        match request {
            Request::EnableHead { id, head } => {
                let number = number_of(&head).unwrap_or_default();
                data_init.init(id, ConfigurationHeadData { configuration: resource.downgrade(), head: number });
                if let Some(used) = used {
                    resource.post_error(Error::AlreadyUsed, used);
                } else if !known.add(number, Some(Wanted::default())) {
                    resource.post_error(Error::AlreadyConfiguredHead, twice());
                }
            }
            Request::DisableHead { head } => {
                if let Some(used) = used {
                    resource.post_error(Error::AlreadyUsed, used);
                } else if !known.add(number_of(&head).unwrap_or_default(), None) {
                    resource.post_error(Error::AlreadyConfiguredHead, twice());
                }
            }
            _ if used.is_some() => resource.post_error(Error::AlreadyUsed, used.unwrap_or_default()),
            request => {
                known.used = true;
                let management = state.output_management();
                if known.outdated || known.serial != management.serial {
                    return resource.cancelled();
                }
                if let Some(head) = known.missing(&management.heads) {
                    let message = format!("{name}: the head {} is neither enabled nor disabled", head.about.name);
                    return resource.post_error(Error::UnconfiguredHead, message);
                }
                let wishes = std::mem::take(&mut known.wishes);
                drop(known);
                match request {
                    Request::Apply => state.apply(wishes, Answer(Some(resource.downgrade()))),
                    _ if state.test(&wishes) => resource.succeeded(),
                    _ => resource.failed(),
                }
            }
        }
    }
}

impl<D> Dispatch<ZwlrOutputConfigurationHeadV1, ConfigurationHeadData, D> for OutputManagementState
where
    D: Dispatch<ZwlrOutputConfigurationHeadV1, ConfigurationHeadData> + OutputManagementHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwlrOutputConfigurationHeadV1,
        request: of_head::Request,
        data: &ConfigurationHeadData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        use of_head::{Error, Request};
        // Without its configuration, or after that was used, it does nothing.
        let Ok(configuration) = data.configuration.upgrade() else { return };
        let Some(mut known) = configuration.data::<ConfigurationData>().map(ConfigurationData::lock) else { return };
        if known.used {
            return;
        }
        let outdated = known.outdated;
        let Some(wanted) = known.wanted(data.head) else { return };
        let mut outdates = false;
        let result = match request {
            Request::SetMode { mode } => match mode_of(&mode, data.head, &state.output_management().heads) {
                Ok(listed) => {
                    outdates = listed.is_none();
                    set(&mut wanted.mode, ModeWish::Listed(listed.unwrap_or_default()), "set_mode")
                }
                Err(message) => Err((Error::InvalidMode, message)),
            },
            Request::SetCustomMode { width, height, refresh } if width <= 0 || height <= 0 || refresh < 0 => {
                let message = format!("set_custom_mode: {width}x{height} with {refresh} mHz is not possible");
                Err((Error::InvalidCustomMode, message))
            }
            Request::SetCustomMode { width, height, refresh } => {
                set(&mut wanted.mode, ModeWish::Custom { width, height, refresh }, "set_custom_mode")
            }
            Request::SetPosition { x, y } => set(&mut wanted.position, (x, y), "set_position"),
            Request::SetTransform { transform: WEnum::Value(transform) } => {
                set(&mut wanted.transform, transform, "set_transform")
            }
            Request::SetTransform { transform } => {
                Err((Error::InvalidTransform, format!("set_transform: {transform:?} is not a transform")))
            }
            Request::SetScale { scale } if scale <= 0.0 => {
                Err((Error::InvalidScale, format!("set_scale: {scale} is not more than 0")))
            }
            Request::SetScale { scale } => set(&mut wanted.scale, scale, "set_scale"),
            Request::SetAdaptiveSync { state: WEnum::Value(to) } => {
                set(&mut wanted.adaptive_sync, to == AdaptiveSyncState::Enabled, "set_adaptive_sync")
            }
            Request::SetAdaptiveSync { state: to } => {
                let message = format!("set_adaptive_sync: {to:?} is not a state; 0 is disabled, 1 is enabled");
                Err((Error::InvalidAdaptiveSyncState, message))
            }
            _ => Ok(()),
        };
        known.outdated = outdated || outdates;
        if let Err((error, message)) = result {
            resource.post_error(error, message);
        }
    }
}

/// Sets what may be set once.
fn set<T>(what: &mut Option<T>, to: T, request: &str) -> Result<(), (of_head::Error, String)> {
    match what.replace(to) {
        None => Ok(()),
        Some(_) => Err((of_head::Error::AlreadySet, format!("{request}: this has been set already"))),
    }
}

/// Which of the modes of a head it is; `None`: one that is not there any more. Error: it is of another
/// head.
fn mode_of(mode: &ZwlrOutputModeV1, head: u64, heads: &[Head]) -> Result<Option<usize>, String> {
    let Some(data) = mode.data::<ModeData>().filter(|data| data.head == head) else {
        return Err("set_mode: the mode is not one of this head".to_owned());
    };
    let modes = heads.iter().find(|of| of.about.number == head).map(|of| &of.about.modes);
    let is_there = modes.and_then(|modes| modes.get(data.at)) == Some(&data.mode);
    Ok(is_there.then_some(data.at))
}
