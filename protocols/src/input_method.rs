//! `input-method-unstable-v2`: a client composes text for the text input that is enabled.
//!
//! There is one at a time: others are told that they are unavailable, and what they ask for counts for nothing.
//! It is *active* while a text input is enabled. It counts the `done` that it has got; what it commits with a
//! count from before it was activated last was meant for another text input, and is dropped.
//!
//! It may grab the keyboard, and show popups beside the cursor. Both end with it. (Smithay's module forgets the
//! input method that there is when a second one goes, keeps the grab of one that is gone, and has one popup.)
//!
//! Nothing here knows a text input's object, a key, or where a popup is.
//!
//! Source: `input-method-unstable-v2.xml` of wayland-protocols-misc.

use smithay::{
    utils::{Logical, Rectangle},
    wayland::compositor::{get_role, give_role},
};
use wayland_protocols_misc::zwp_input_method_v2::server::{
    zwp_input_method_keyboard_grab_v2::{self as grab, ZwpInputMethodKeyboardGrabV2},
    zwp_input_method_manager_v2::{self as manager, ZwpInputMethodManagerV2},
    zwp_input_method_v2::{self as object, ZwpInputMethodV2},
    zwp_input_popup_surface_v2::{self as popup, ZwpInputPopupSurfaceV2},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource, backend::ClientId,
    protocol::wl_surface::WlSurface,
};

use crate::{
    edited_text::{Composed, Text, boundary},
    seen_by::SeenBy,
    surface_object::bind_manager,
};

/// The role of a popup.
pub const INPUT_POPUP_ROLE: &str = "zwp_input_popup_surface_v2";

/// The error for a surface that has a role. The protocol wants one and names none.
const ROLE: u32 = 0;

/// What the protocol needs from the compositor's state.
pub trait InputMethodHandler {
    /// The global's state.
    fn input_methods(&mut self) -> &mut InputMethods;

    /// There is an input method now. It is not active.
    fn input_method_came(&mut self);

    /// There is none any more, and nothing of it.
    fn input_method_went(&mut self);

    /// The input method has composed something for the enabled text input.
    fn composed(&mut self, composed: Composed);

    /// The input method gets what is typed from now on: it has to be told the keymap, what is down, and how keys
    /// repeat.
    fn keyboard_grabbed(&mut self, grab: &ZwpInputMethodKeyboardGrabV2);

    /// It does not any more.
    fn keyboard_let_go(&mut self);

    /// A popup has come or gone.
    fn input_popups_changed(&mut self);
}

/// A popup of the input method.
#[derive(Debug)]
pub struct InputPopup {
    object: ZwpInputPopupSurfaceV2,
    surface: WlSurface,
    told: Option<Rectangle<i32, Logical>>,
}

impl InputPopup {
    /// Its surface.
    pub fn surface(&self) -> &WlSurface {
        &self.surface
    }

    /// Tells the client where the cursor is, relative to the popup, unless it knows.
    pub fn tell_cursor(&mut self, cursor: Rectangle<i32, Logical>) {
        if self.told != Some(cursor) {
            let Rectangle { loc, size } = cursor;
            self.object.text_input_rectangle(loc.x, loc.y, size.w, size.h);
            self.told = Some(cursor);
        }
    }
}

/// The input method.
#[derive(Debug)]
struct Method {
    object: ZwpInputMethodV2,
    active: bool,
    /// So many `done` it has got, and how many it had when it was activated last.
    dones: u32,
    activated: u32,
    composed: Composed,
    grab: Option<ZwpInputMethodKeyboardGrabV2>,
    popups: Vec<InputPopup>,
}

impl Method {
    fn done(&mut self) {
        self.object.done();
        self.dones = self.dones.wrapping_add(1);
    }

    fn tell(&self, text: &Text) {
        if let Some(surrounding) = &text.surrounding {
            self.object.surrounding_text(surrounding.text.clone(), surrounding.cursor, surrounding.anchor);
        }
        if let Some(cause) = text.cause {
            self.object.text_change_cause(cause);
        }
        if let Some((hint, purpose)) = text.content {
            self.object.content_type(hint, purpose);
        }
    }

    /// Whether what it commits with this count is for the text input that is enabled.
    fn is_current(&self, serial: u32) -> bool {
        let since = |from: u32| serial.wrapping_sub(from);
        self.active && since(self.activated) <= self.dones.wrapping_sub(self.activated)
    }
}

/// The `zwp_input_method_manager_v2` global and its input method.
#[derive(Debug, Default)]
pub struct InputMethods {
    method: Option<Method>,
}

impl InputMethods {
    /// Announces the global, to the clients of `seen_by`, for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle, seen_by: SeenBy) -> Self
    where
        D: GlobalDispatch<ZwpInputMethodManagerV2, SeenBy>
            + Dispatch<ZwpInputMethodManagerV2, ()>
            + Dispatch<ZwpInputMethodV2, ()>
            + Dispatch<ZwpInputPopupSurfaceV2, ()>
            + Dispatch<ZwpInputMethodKeyboardGrabV2, ()>
            + 'static,
    {
        display.create_global::<D, ZwpInputMethodManagerV2, SeenBy>(1, seen_by);
        Self::default()
    }

    /// A text input was enabled, with this state: the input method begins anew.
    pub fn activate(&mut self, text: &Text) {
        let Some(method) = &mut self.method else { return };
        method.object.activate();
        method.tell(text);
        method.done();
        (method.active, method.activated, method.composed) = (true, method.dones, Composed::default());
    }

    /// The enabled text input has said something: all of its state, since what is not told again is forgotten.
    pub fn tell(&mut self, text: &Text) {
        if let Some(method) = self.method.as_mut().filter(|method| method.active) {
            method.tell(text);
            method.done();
        }
    }

    /// No text input is enabled any more.
    pub fn deactivate(&mut self) {
        if let Some(method) = self.method.as_mut().filter(|method| method.active) {
            method.active = false;
            method.object.deactivate();
            method.done();
        }
    }

    /// Whether there is one, which is active.
    pub fn is_active(&self) -> bool {
        self.method.as_ref().is_some_and(|method| method.active)
    }

    /// What has grabbed the keyboard.
    pub fn grab(&self) -> Option<&ZwpInputMethodKeyboardGrabV2> {
        self.method.as_ref()?.grab.as_ref()
    }

    /// The popups, in the order in which they came.
    pub fn popups(&mut self) -> &mut [InputPopup] {
        self.method.as_mut().map(|method| method.popups.as_mut_slice()).unwrap_or_default()
    }

    fn of(&mut self, object: &ZwpInputMethodV2) -> Option<&mut Method> {
        self.method.as_mut().filter(|method| method.object == *object)
    }
}

bind_manager!(InputMethods, ZwpInputMethodManagerV2, SeenBy);

impl<D> Dispatch<ZwpInputMethodManagerV2, (), D> for InputMethods
where
    D: Dispatch<ZwpInputMethodManagerV2, ()> + Dispatch<ZwpInputMethodV2, ()> + InputMethodHandler + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZwpInputMethodManagerV2,
        request: manager::Request,
        (): &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        // There is one seat.
        let manager::Request::GetInputMethod { input_method, .. } = request else { return };
        let object = data_init.init(input_method, ());
        let methods = state.input_methods();
        if methods.method.is_some() {
            return object.unavailable();
        }
        methods.method = Some(Method {
            object,
            active: false,
            dones: 0,
            activated: 0,
            composed: Composed::default(),
            grab: None,
            popups: Vec::new(),
        });
        state.input_method_came();
    }
}

/// A surface becomes a popup.
fn new_popup<D>(
    state: &mut D,
    resource: &ZwpInputMethodV2,
    (id, surface): (wayland_server::New<ZwpInputPopupSurfaceV2>, WlSurface),
    data_init: &mut DataInit<'_, D>,
) where
    D: Dispatch<ZwpInputPopupSurfaceV2, ()> + InputMethodHandler + 'static,
{
    let object = data_init.init(id, ());
    let popups = state.input_methods().popups();
    let is_one = popups.iter().any(|popup| popup.surface == surface);
    let has_role = give_role(&surface, INPUT_POPUP_ROLE).is_err() && get_role(&surface) != Some(INPUT_POPUP_ROLE);
    if is_one || has_role {
        let message = format!("get_input_popup_surface: {} has a role already", surface.id());
        return resource.post_error(ROLE, message);
    }
    if let Some(method) = state.input_methods().of(resource) {
        method.popups.push(InputPopup { object, surface, told: None });
        state.input_popups_changed();
    }
}

impl<D> Dispatch<ZwpInputMethodV2, (), D> for InputMethods
where
    D: Dispatch<ZwpInputMethodV2, ()>
        + Dispatch<ZwpInputPopupSurfaceV2, ()>
        + Dispatch<ZwpInputMethodKeyboardGrabV2, ()>
        + InputMethodHandler
        + 'static,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZwpInputMethodV2,
        request: object::Request,
        (): &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        match request {
            object::Request::GetInputPopupSurface { id, surface } => {
                return new_popup(state, resource, (id, surface), data_init);
            }
            object::Request::GrabKeyboard { keyboard } => {
                let grab = data_init.init(keyboard, ());
                // A second grab, and one of an input method that is unavailable, gets nothing.
                let method = state.input_methods().of(resource).filter(|method| method.grab.is_none());
                if let Some(method) = method {
                    method.grab = Some(grab.clone());
                    state.keyboard_grabbed(&grab);
                }
                return;
            }
            _ => {}
        }
        let Some(method) = state.input_methods().of(resource) else { return };
        match request {
            object::Request::CommitString { text } => method.composed.commit = Some(text),
            object::Request::SetPreeditString { text, cursor_begin, cursor_end } => {
                let place = |at: i32| boundary(&text, at) as i32;
                let cursor = match (cursor_begin, cursor_end) {
                    (-1, -1) => (-1, -1),
                    (begin, end) => (place(begin), place(end)),
                };
                method.composed.preedit = Some((text, cursor.0, cursor.1));
            }
            object::Request::DeleteSurroundingText { before_length, after_length } => {
                method.composed.delete = (before_length, after_length);
            }
            object::Request::Commit { serial } => {
                let composed = std::mem::take(&mut method.composed);
                if method.is_current(serial) {
                    state.composed(composed);
                }
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwpInputMethodV2, (): &()) {
        let methods = state.input_methods();
        if methods.of(resource).is_none() {
            return;
        }
        let gone = methods.method.take();
        if gone.is_some_and(|gone| gone.grab.is_some()) {
            state.keyboard_let_go();
        }
        state.input_method_went();
    }
}

impl<D> Dispatch<ZwpInputPopupSurfaceV2, (), D> for InputMethods
where
    D: Dispatch<ZwpInputPopupSurfaceV2, ()> + InputMethodHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwpInputPopupSurfaceV2,
        _: popup::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwpInputPopupSurfaceV2, (): &()) {
        if let Some(method) = &mut state.input_methods().method {
            method.popups.retain(|popup| popup.object != *resource);
            state.input_popups_changed();
        }
    }
}

impl<D> Dispatch<ZwpInputMethodKeyboardGrabV2, (), D> for InputMethods
where
    D: Dispatch<ZwpInputMethodKeyboardGrabV2, ()> + InputMethodHandler + 'static,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZwpInputMethodKeyboardGrabV2,
        _: grab::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZwpInputMethodKeyboardGrabV2, (): &()) {
        let method = state.input_methods().method.as_mut();
        if method.and_then(|method| method.grab.take_if(|grab| grab == resource)).is_some() {
            state.keyboard_let_go();
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type, which implements
/// [`InputMethodHandler`].
#[macro_export]
macro_rules! delegate_input_method {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::input_method::manager::ZwpInputMethodManagerV2: $crate::SeenBy
        ] => $crate::input_method::InputMethods);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::input_method::manager::ZwpInputMethodManagerV2: ()
        ] => $crate::input_method::InputMethods);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::input_method::object::ZwpInputMethodV2: ()
        ] => $crate::input_method::InputMethods);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::input_method::popup::ZwpInputPopupSurfaceV2: ()
        ] => $crate::input_method::InputMethods);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::input_method::grab::ZwpInputMethodKeyboardGrabV2: ()
        ] => $crate::input_method::InputMethods);
    };
}
