//! `text-input-unstable-v3`, version 2: clients tell what is edited where, and take text that an input method has
//! composed.
//!
//! The focus follows that of the keyboard: each object of its client enters and leaves. At most one of them is
//! enabled, and none of another client. [`TextInputs::enabled`] is what it has committed; the compositor tells an
//! input method of it ([`crate::input_method`]) and sends back what that composes.
//!
//! Texts and positions are checked here: a cursor is in its text and between two letters, whatever a client says.
//! (Smithay's module keeps the state of one object for all, unwraps what clients send for enumerations, and tells
//! only one of a client's objects of the focus.)
//!
//! Of version 2, where the cursor is comes with the next commit of the surface: [`TextInputs::take_cursor`] gives it
//! to that commit, and [`TextInputs::apply_cursor`] takes it when the commit is applied. What version 2 adds beyond
//! that is what `input-method-unstable-v2` cannot tell: actions are checked and not kept, wishes for a panel have no
//! effect, and neither actions, nor languages, nor hints for text that is not final are ever sent.
//!
//! Nothing here knows an input method, or where a surface is.
//!
//! Source: `wayland-protocols/unstable/text-input/text-input-unstable-v3.xml`.

use smithay::utils::{Logical, Rectangle};
use wayland_protocols::wp::text_input::zv3::server::{
    zwp_text_input_manager_v3::{self as manager, ZwpTextInputManagerV3},
    zwp_text_input_v3::{self as object, ChangeCause, ContentHint, ContentPurpose, ZwpTextInputV3},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, WEnum, backend::ClientId,
    protocol::wl_surface::WlSurface,
};

use crate::{
    edited_text::{Composed, Surrounding, Text, boundary},
    surface_object::bind_manager,
};

/// Places of cursors are clamped to this: no surface is so large.
const FAR: i32 = 1 << 20;

/// The first version in which the place of the cursor comes with a commit of the surface.
const WITH_SURFACE: u32 = 2;

/// Where the cursor is from a commit of the surface on.
#[derive(Debug, Clone, Copy)]
pub struct CursorPlace {
    /// [`TextInputs::era`] when the client said so.
    era: u32,
    place: Rectangle<i32, Logical>,
}

/// What has become of the enabled text input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// There is one now, or it begins anew; its state is all there.
    Enabled,
    /// Its client has said something of it.
    Said,
    /// There is none any more.
    Disabled,
}

/// What the protocol needs from the compositor's state.
pub trait TextInputHandler {
    /// The global's state.
    fn text_inputs(&mut self) -> &mut TextInputs;

    /// The enabled text input has changed.
    fn text_input_changed(&mut self, change: Change);
}

/// An object.
#[derive(Debug)]
struct Input {
    object: ZwpTextInputV3,
    /// So often it has committed.
    commits: u32,
    /// What its next commit enables or disables.
    enable: Option<bool>,
    pending: Text,
}

/// The `zwp_text_input_manager_v3` global and its objects.
#[derive(Debug, Default)]
pub struct TextInputs {
    inputs: Vec<Input>,
    focus: Option<WlSurface>,
    /// The object that is enabled, with what it has committed.
    enabled: Option<(ZwpTextInputV3, Text)>,
    /// Where the cursor is from the next commit of the surface on.
    cursor: Option<Rectangle<i32, Logical>>,
    /// Changes whenever what was said of the cursor counts no more.
    era: u32,
}

impl TextInputs {
    /// Announces the global, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<ZwpTextInputManagerV3, ()>
            + Dispatch<ZwpTextInputManagerV3, ()>
            + Dispatch<ZwpTextInputV3, ()>
            + 'static,
    {
        display.create_global::<D, ZwpTextInputManagerV3, ()>(2, ());
        Self::default()
    }

    /// The surface that is edited, and what its client has said.
    pub fn enabled(&self) -> Option<(&WlSurface, &Text)> {
        let (_, text) = self.enabled.as_ref()?;
        Some((self.focus.as_ref().filter(|focus| focus.is_alive())?, text))
    }

    /// The surface that has the focus.
    pub fn focus(&self) -> Option<&WlSurface> {
        self.focus.as_ref()
    }

    /// A surface is committed: where the cursor is from then on; `None`: where it was, or the surface is not the one
    /// that is edited.
    pub fn take_cursor(&mut self, surface: &WlSurface) -> Option<CursorPlace> {
        let place = self.cursor.take_if(|_| self.focus.as_ref() == Some(surface))?;
        Some(CursorPlace { era: self.era, place })
    }

    /// That commit is applied. What is said of a text that is edited no more counts for nothing.
    pub fn apply_cursor(&mut self, CursorPlace { era, place }: CursorPlace) {
        if let Some((_, text)) = self.enabled.as_mut().filter(|_| era == self.era) {
            text.cursor = Some(place);
        }
    }

    /// What was said of the cursor counts no more.
    fn forget_cursor(&mut self) {
        (self.cursor, self.era) = (None, self.era.wrapping_add(1));
    }

    /// The keyboard is on another surface. Whether a text input was disabled by that.
    pub fn set_focus(&mut self, surface: Option<&WlSurface>) -> bool {
        if self.focus.as_ref() == surface {
            return false;
        }
        self.forget_cursor();
        let before = std::mem::replace(&mut self.focus, surface.cloned());
        if let Some(before) = before.filter(|before| before.is_alive()) {
            for input in self.inputs.iter_mut().filter(|input| input.object.id().same_client_as(&before.id())) {
                (input.enable, input.pending) = (None, Text::default());
                input.object.leave(&before);
            }
        }
        if let Some(surface) = surface {
            for input in self.inputs.iter_mut().filter(|input| input.object.id().same_client_as(&surface.id())) {
                (input.enable, input.pending) = (None, Text::default());
                input.object.enter(surface);
            }
        }
        self.enabled.take().is_some()
    }

    /// Gives the enabled text input what was composed.
    pub fn send(&self, composed: &Composed) {
        let Some((object, _)) = &self.enabled else { return };
        let Some(input) = self.inputs.iter().find(|input| input.object == *object) else { return };
        let Composed { preedit, commit, delete: (before, after) } = composed;
        if let Some((text, begin, end)) = preedit {
            object.preedit_string(Some(text.clone()), *begin, *end);
        }
        if *before > 0 || *after > 0 {
            object.delete_surrounding_text(*before, *after);
        }
        if let Some(text) = commit {
            object.commit_string(Some(text.clone()));
        }
        object.done(input.commits);
    }

    fn has_focus(&self, object: &ZwpTextInputV3) -> bool {
        self.focus.as_ref().is_some_and(|focus| focus.id().same_client_as(&object.id()))
    }

    fn find(&mut self, object: &ZwpTextInputV3) -> Option<&mut Input> {
        self.inputs.iter_mut().find(|input| input.object == *object)
    }

    /// The client commits what it has said.
    fn commit(&mut self, object: &ZwpTextInputV3) -> Option<Change> {
        let has_focus = self.has_focus(object);
        let input = self.find(object)?;
        input.commits = input.commits.wrapping_add(1);
        let (enable, mut said) = (input.enable.take(), std::mem::take(&mut input.pending));
        // It waits for the surface.
        let cursor = if object.version() >= WITH_SURFACE { said.cursor.take() } else { None };
        if !has_focus {
            return None;
        }
        let is_enabled = self.enabled.as_ref().is_some_and(|(enabled, _)| enabled == object);
        let change = match enable {
            // Another one is: it has to be disabled first.
            Some(true) if self.enabled.is_some() && !is_enabled => None,
            Some(true) => {
                self.forget_cursor();
                self.enabled = Some((object.clone(), said));
                Some(Change::Enabled)
            }
            Some(false) if is_enabled => {
                self.forget_cursor();
                self.enabled = None;
                Some(Change::Disabled)
            }
            None if is_enabled => {
                self.enabled.as_mut()?.1.merge(said);
                Some(Change::Said)
            }
            _ => None,
        };
        if matches!(change, Some(Change::Enabled | Change::Said)) {
            self.cursor = cursor.or(self.cursor);
        }
        change
    }
}

/// Whether these are actions that a client may offer: 32-bit numbers, none of them 0 (none), and none twice.
fn are_actions(bytes: &[u8]) -> bool {
    let (numbers, rest) = bytes.as_chunks::<4>();
    let mut numbers: Vec<u32> = numbers.iter().map(|number| u32::from_ne_bytes(*number)).collect();
    numbers.sort_unstable();
    rest.is_empty() && numbers.first() != Some(&0) && numbers.windows(2).all(|pair| pair[0] != pair[1])
}

bind_manager!(TextInputs, ZwpTextInputManagerV3);

impl<D> Dispatch<ZwpTextInputManagerV3, (), D> for TextInputs
where
    D: Dispatch<ZwpTextInputManagerV3, ()> + Dispatch<ZwpTextInputV3, ()> + TextInputHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZwpTextInputManagerV3,
        request: manager::Request,
        (): &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        // There is one seat.
        let manager::Request::GetTextInput { id, .. } = request else { return };
        let object = data_init.init(id, ());
        let inputs = state.text_inputs();
        if let Some(focus) = inputs.focus.as_ref().filter(|focus| focus.id().same_client_as(&object.id())) {
            object.enter(focus);
        }
        inputs.inputs.push(Input { object, commits: 0, enable: None, pending: Text::default() });
    }
}

impl<D> Dispatch<ZwpTextInputV3, (), D> for TextInputs
where
    D: Dispatch<ZwpTextInputV3, ()> + TextInputHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwpTextInputV3,
        request: object::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if let object::Request::Commit = request {
            if let Some(change) = state.text_inputs().commit(resource) {
                state.text_input_changed(change);
            }
            return;
        }
        let Some(input) = state.text_inputs().find(resource) else { return };
        let pending = &mut input.pending;
        match request {
            object::Request::Enable => (input.enable, input.pending) = (Some(true), Text::default()),
            object::Request::Disable => (input.enable, input.pending) = (Some(false), Text::default()),
            object::Request::SetSurroundingText { text, cursor, anchor } => {
                let (cursor, anchor) = (boundary(&text, cursor), boundary(&text, anchor));
                pending.surrounding = Some(Surrounding { text, cursor, anchor });
            }
            object::Request::SetTextChangeCause { cause } => {
                pending.cause = Some(cause.into_result().unwrap_or(ChangeCause::Other));
            }
            object::Request::SetContentType { hint, purpose } => {
                let hint = match hint {
                    WEnum::Value(hint) => hint,
                    WEnum::Unknown(bits) => ContentHint::from_bits_truncate(bits),
                };
                pending.content = Some((hint, purpose.into_result().unwrap_or(ContentPurpose::Normal)));
            }
            object::Request::SetCursorRectangle { x, y, width, height } => {
                let (x, y) = (x.clamp(-FAR, FAR), y.clamp(-FAR, FAR));
                let size = (width.clamp(0, FAR), height.clamp(0, FAR));
                pending.cursor = Some(Rectangle::new((x, y).into(), size.into()));
            }
            object::Request::SetAvailableActions { available_actions } if !are_actions(&available_actions) => {
                let message = "set_available_actions: no action is `none`, and none is named twice";
                resource.post_error(object::Error::InvalidAction, message);
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwpTextInputV3, (): &()) {
        let inputs = state.text_inputs();
        inputs.inputs.retain(|input| input.object != *resource);
        if inputs.enabled.take_if(|(enabled, _)| enabled == resource).is_some() {
            state.text_input_changed(Change::Disabled);
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements [`TextInputHandler`].
#[macro_export]
macro_rules! delegate_text_input {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::text_input::manager::ZwpTextInputManagerV3: ()
        ] => $crate::text_input::TextInputs);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::text_input::manager::ZwpTextInputManagerV3: ()
        ] => $crate::text_input::TextInputs);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::text_input::object::ZwpTextInputV3: ()
        ] => $crate::text_input::TextInputs);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_neither_none_nor_named_twice() {
        let bytes = |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_ne_bytes()).collect::<Vec<u8>>();
        // One that is not known yet is one.
        for good in [&[][..], &[1], &[1, 7]] {
            assert!(are_actions(&bytes(good)), "{good:?}");
        }
        for bad in [&[0][..], &[1, 0], &[1, 1], &[7, 1, 7]] {
            assert!(!are_actions(&bytes(bad)), "{bad:?}");
        }
        assert!(!are_actions(&[1, 0, 0]));
    }
}
