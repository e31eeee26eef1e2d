//! `xdg-foreign-unstable-v2`: a window of one client becomes a dialog of another client's window.
//!
//! ```text
//!  export_toplevel ─→ handle ─→ (a way outside Wayland) ─→ import_toplevel ─→ set_parent_of, for any number of windows
//!
//!  the export ends: its object, its toplevel or its client goes ─→ each import of it hears `destroyed`
//!  the import ends, or the export ─→ windows that still have their parent by it have none
//! ```
//!
//! A handle is 16 random bytes: who knows it has been given it. There is an entry for each export and
//! each import, and one for each window that had a parent by an import, the last one. Nothing here knows
//! what a parent is good for. (Smithay's module never sends `destroyed` when an export ends, keeps
//! exports whose window is gone, takes surfaces that are no toplevels, and has one child for an export.)
//!
//! Source: `wayland-protocols/unstable/xdg-foreign`.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    fmt,
};

use rustix::rand::{GetRandomFlags, getrandom};
use wayland_protocols::xdg::foreign::zv2::server::{
    zxdg_exported_v2::{self as exported, ZxdgExportedV2},
    zxdg_exporter_v2::{self as exporter, ZxdgExporterV2},
    zxdg_imported_v2::{self as imported, ZxdgImportedV2},
    zxdg_importer_v2::{self as importer, ZxdgImporterV2},
};
use wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, Resource,
    backend::{ClientId, ObjectId},
    protocol::wl_surface::WlSurface,
};

use crate::surface_object::bind_manager;

/// What the protocol needs from the compositor's state, which calls [`toplevel_gone`] and
/// [`ForeignState::forget_child`] besides.
pub trait ForeignHandler: Sized + 'static {
    /// The exports and imports.
    fn foreign(&mut self) -> &mut ForeignState;

    /// Whether the surface has a live `xdg_toplevel`.
    fn is_toplevel(&self, surface: &WlSurface) -> bool;

    /// Makes `parent` the parent of `child`, as `xdg_toplevel.set_parent` does; both are toplevels.
    /// False: that would be a circle, and nothing has changed.
    fn set_parent(&mut self, child: &WlSurface, parent: &WlSurface) -> bool;

    /// Leaves `child` without a parent if that still is `parent`.
    fn unset_parent(&mut self, child: &WlSurface, parent: &WlSurface);
}

/// What a client tells another one, so that it can import a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Handle(u128);

impl Handle {
    /// A new one; `None`: the kernel has no random numbers.
    fn random() -> Option<Self> {
        let mut bytes = [0; 16];
        // So few bytes come at once or not at all, and without interruption.
        match getrandom(&mut bytes[..], GetRandomFlags::empty()) {
            Ok(length) if length == bytes.len() => Some(Self(u128::from_ne_bytes(bytes))),
            failed => {
                tracing::error!("getrandom: {failed:?}; a window is exported to nobody");
                None
            }
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let is_ours = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        is_ours.then(|| u128::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// User data of `zxdg_exported_v2`.
#[derive(Debug)]
pub struct ExportedData(Option<Handle>);

/// User data of `zxdg_imported_v2`.
#[derive(Debug)]
pub struct ImportedData(Option<Handle>);

#[derive(Debug)]
struct Export {
    surface: WlSurface,
    imports: HashMap<ObjectId, Import>,
}

#[derive(Debug)]
struct Import {
    object: ZxdgImportedV2,
    /// The surfaces that have their parent by it, or had until it was changed otherwise.
    children: HashMap<ObjectId, WlSurface>,
}

/// The exports and imports of all clients.
#[derive(Debug, Default)]
pub struct ForeignState {
    exports: HashMap<Handle, Export>,
    /// The exports of each surface that has some.
    of_surface: HashMap<ObjectId, HashSet<Handle>>,
    /// By which import a surface got its parent last.
    children: HashMap<ObjectId, (Handle, ObjectId)>,
}

impl ForeignState {
    /// Announces both globals for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<ZxdgExporterV2, ()>
            + GlobalDispatch<ZxdgImporterV2, ()>
            + Dispatch<ZxdgExporterV2, ()>
            + Dispatch<ZxdgImporterV2, ()>
            + 'static,
    {
        display.create_global::<D, ZxdgExporterV2, ()>(1, ());
        display.create_global::<D, ZxdgImporterV2, ()>(1, ());
        Self::default()
    }

    /// How many entries there are, of exports, imports and windows.
    pub fn kept(&self) -> usize {
        let imports: usize = self.exports.values().map(|export| export.imports.len()).sum();
        self.exports.len() + self.of_surface.len() + self.children.len() + imports
    }

    /// Whether a surface has its parent by an import.
    pub fn has_children(&self) -> bool {
        !self.children.is_empty()
    }

    /// The surface's parent is set otherwise from now on, or the surface is no toplevel any more.
    pub fn forget_child(&mut self, child: &WlSurface) {
        if let Some((handle, import)) = self.children.remove(&child.id())
            && let Some(import) = self.import(handle, &import)
        {
            import.children.remove(&child.id());
        }
    }

    fn import(&mut self, handle: Handle, object: &ObjectId) -> Option<&mut Import> {
        self.exports.get_mut(&handle)?.imports.get_mut(object)
    }

    fn export(&mut self, handle: Handle, surface: WlSurface) {
        self.of_surface.entry(surface.id()).or_default().insert(handle);
        self.exports.insert(handle, Export { surface, imports: HashMap::new() });
    }

    fn adopt(&mut self, handle: Handle, by: &ZxdgImportedV2, child: &WlSurface) {
        self.forget_child(child);
        if let Some(import) = self.import(handle, &by.id()) {
            import.children.insert(child.id(), child.clone());
            self.children.insert(child.id(), (handle, by.id()));
        }
    }

    fn take_export(&mut self, handle: Handle) -> Option<Export> {
        let export = self.exports.remove(&handle)?;
        if let Entry::Occupied(mut handles) = self.of_surface.entry(export.surface.id()) {
            handles.get_mut().remove(&handle);
            if handles.get().is_empty() {
                handles.remove();
            }
        }
        for child in export.imports.values().flat_map(|import| import.children.keys()) {
            self.children.remove(child);
        }
        Some(export)
    }

    fn take_import(&mut self, handle: Handle, object: &ObjectId) -> Option<(WlSurface, Import)> {
        let export = self.exports.get_mut(&handle)?;
        let import = export.imports.remove(object)?;
        for child in import.children.keys() {
            self.children.remove(child);
        }
        Some((export.surface.clone(), import))
    }
}

/// A toplevel is destroyed: its exports end, and it is nobody's child.
pub fn toplevel_gone<D: ForeignHandler>(state: &mut D, surface: &WlSurface) {
    state.foreign().forget_child(surface);
    let handles = state.foreign().of_surface.get(&surface.id()).cloned().unwrap_or_default();
    for handle in handles {
        end_export(state, handle);
    }
}

fn end_export<D: ForeignHandler>(state: &mut D, handle: Handle) {
    let Some(export) = state.foreign().take_export(handle) else { return };
    for import in export.imports.into_values() {
        import.object.destroyed();
        import.children.into_values().for_each(|child| state.unset_parent(&child, &export.surface));
    }
}

/// The error is the message to the client.
fn set_parent_of<D: ForeignHandler>(
    state: &mut D,
    object: &ZxdgImportedV2,
    handle: Option<Handle>,
    child: &WlSurface,
) -> Result<(), String> {
    if !state.is_toplevel(child) {
        return Err(format!("set_parent_of: {} is no xdg_toplevel", child.id()));
    }
    let Some(handle) = handle else { return Ok(()) };
    // Without an export nothing happens.
    let Some(export) = state.foreign().exports.get(&handle) else { return Ok(()) };
    let parent = export.surface.clone();
    if !state.set_parent(child, &parent) {
        // Between two clients it may be the other one's request that came first.
        return match child.client() == parent.client() {
            true => Err(format!("set_parent_of: {} would be a parent of itself", child.id())),
            false => Ok(()),
        };
    }
    state.foreign().adopt(handle, object, child);
    Ok(())
}

bind_manager!(ForeignState, ZxdgExporterV2);
bind_manager!(ForeignState, ZxdgImporterV2);

impl<D> Dispatch<ZxdgExporterV2, (), D> for ForeignState
where
    D: Dispatch<ZxdgExporterV2, ()> + Dispatch<ZxdgExportedV2, ExportedData> + ForeignHandler,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZxdgExporterV2,
        request: exporter::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let exporter::Request::ExportToplevel { id, surface } = request else { return };
        let handle = Handle::random().filter(|_| state.is_toplevel(&surface));
        // Also where it is refused: a new_id that is never initialised is an error of the server.
        let object = data_init.init(id, ExportedData(handle));
        if !state.is_toplevel(&surface) {
            let message = format!("export_toplevel: {} is no xdg_toplevel", surface.id());
            return resource.post_error(exporter::Error::InvalidSurface, message);
        }
        if let Some(handle) = handle {
            state.foreign().export(handle, surface);
        }
        object.handle(handle.map(|handle| handle.to_string()).unwrap_or_default());
    }
}

impl<D> Dispatch<ZxdgExportedV2, ExportedData, D> for ForeignState
where
    D: Dispatch<ZxdgExportedV2, ExportedData> + ForeignHandler,
{
    fn request(
        _: &mut D,
        _: &Client,
        _: &ZxdgExportedV2,
        _: exported::Request,
        _: &ExportedData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        // It can only be destroyed.
    }

    fn destroyed(state: &mut D, _: ClientId, _: &ZxdgExportedV2, ExportedData(handle): &ExportedData) {
        if let Some(handle) = handle {
            end_export(state, *handle);
        }
    }
}

impl<D> Dispatch<ZxdgImporterV2, (), D> for ForeignState
where
    D: Dispatch<ZxdgImporterV2, ()> + Dispatch<ZxdgImportedV2, ImportedData> + ForeignHandler,
{
    fn request(
        state: &mut D,
        _: &Client,
        _: &ZxdgImporterV2,
        request: importer::Request,
        _: &(),
        _: &DisplayHandle,
        data_init: &mut DataInit<'_, D>,
    ) {
        let importer::Request::ImportToplevel { id, handle } = request else { return };
        let export =
            Handle::parse(&handle).and_then(|handle| Some((handle, state.foreign().exports.get_mut(&handle)?)));
        let object = data_init.init(id, ImportedData(export.as_ref().map(|(handle, _)| *handle)));
        match export {
            Some((_, export)) => {
                export.imports.insert(object.id(), Import { object, children: HashMap::new() });
            }
            None => object.destroyed(),
        }
    }
}

impl<D> Dispatch<ZxdgImportedV2, ImportedData, D> for ForeignState
where
    D: Dispatch<ZxdgImportedV2, ImportedData> + ForeignHandler,
{
    fn request(
        state: &mut D,
        _: &Client,
        resource: &ZxdgImportedV2,
        request: imported::Request,
        ImportedData(handle): &ImportedData,
        _: &DisplayHandle,
        _: &mut DataInit<'_, D>,
    ) {
        if let imported::Request::SetParentOf { surface } = request
            && let Err(message) = set_parent_of(state, resource, *handle, &surface)
        {
            resource.post_error(imported::Error::InvalidSurface, message);
        }
    }

    fn destroyed(state: &mut D, _: ClientId, resource: &ZxdgImportedV2, ImportedData(handle): &ImportedData) {
        let ended = handle.and_then(|handle| state.foreign().take_import(handle, &resource.id()));
        if let Some((parent, import)) = ended {
            import.children.into_values().for_each(|child| state.unset_parent(&child, &parent));
        }
    }
}

/// Implements the protocol's dispatch for the compositor's state type.
#[macro_export]
macro_rules! delegate_foreign {
    ($ty:ty) => {
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::foreign::exporter::ZxdgExporterV2: ()
        ] => $crate::foreign::ForeignState);
        $crate::observed_global_dispatch!($ty: [
            $crate::reexports::foreign::importer::ZxdgImporterV2: ()
        ] => $crate::foreign::ForeignState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::foreign::exporter::ZxdgExporterV2: ()
        ] => $crate::foreign::ForeignState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::foreign::importer::ZxdgImporterV2: ()
        ] => $crate::foreign::ForeignState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::foreign::exported::ZxdgExportedV2: $crate::foreign::ExportedData
        ] => $crate::foreign::ForeignState);
        $crate::observed_dispatch!($ty: [
            $crate::reexports::foreign::imported::ZxdgImportedV2: $crate::foreign::ImportedData
        ] => $crate::foreign::ForeignState);
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_read_as_it_was_written_and_no_other_way() {
        let handle = Handle(0xabc);
        let text = handle.to_string();
        assert_eq!(text, "00000000000000000000000000000abc");
        assert_eq!(Handle::parse(&text), Some(handle));
        for wrong in ["", "abc", &text[1..], &text.to_uppercase(), &format!("+{}", &text[1..]), &format!("{text}0")] {
            assert_eq!(Handle::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_handle_comes_twice() {
        let handles: HashSet<_> = (0..1000).map(|_| Handle::random().unwrap()).collect();
        assert_eq!(handles.len(), 1000);
    }
}
