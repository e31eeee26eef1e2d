//! All tablets, tools and pads, and who hears of them.

use std::fmt;

use smithay::{backend::input::TabletToolDescriptor, input::pointer::CursorImageStatus};
use wayland_protocols::wp::tablet::zv2::server::{
    zwp_tablet_manager_v2::ZwpTabletManagerV2, zwp_tablet_pad_group_v2::ZwpTabletPadGroupV2,
    zwp_tablet_pad_ring_v2::ZwpTabletPadRingV2, zwp_tablet_pad_strip_v2::ZwpTabletPadStripV2,
    zwp_tablet_pad_v2::ZwpTabletPadV2, zwp_tablet_seat_v2::ZwpTabletSeatV2, zwp_tablet_tool_v2::ZwpTabletToolV2,
    zwp_tablet_v2::ZwpTabletV2,
};
use wayland_server::{
    Client, Dispatch, DisplayHandle, GlobalDispatch, Resource,
    backend::{ClientId, ObjectId},
    protocol::wl_surface::WlSurface,
};

use crate::tablet::{
    device::{Tablet, TabletAbout},
    make::{Make, Member, Seat, make, number_of},
    pad::Pad,
    tool::{Tool, ToolNumber},
};

/// The most tools that are known: a new one takes the place of the oldest that is away.
pub const TOOLS: usize = 32;
/// The most tablets, tools and pads that a client has not destroyed: a further tablet seat hears of nothing.
pub const OBJECTS: usize = 1024;

/// What the protocol needs from the compositor's state.
pub trait TabletHandler {
    /// The global's state.
    fn tablets(&mut self) -> &mut Tablets;

    /// A client has a new tablet seat. Its pads may have the keyboard's focus already.
    fn tablet_seat_came(&mut self);

    /// The client that has a tool on one of its surfaces wants this image for it. The image is one that
    /// [`smithay::input::pointer::CursorImageSurfaceData`] says the hot spot of.
    fn tool_image(&mut self, tool: ToolNumber, image: CursorImageStatus);
}

/// The `zwp_tablet_manager_v2` global, with all tablets, tools and pads.
pub struct Tablets {
    pub(super) make: Make,
    pub(super) seats: Vec<Seat>,
    pub(super) tablets: Vec<Tablet>,
    pub(super) tools: Vec<Tool>,
    pub(super) pads: Vec<Pad>,
    /// Of the seats and the tools that there have been.
    numbers: u32,
}

impl fmt::Debug for Tablets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.tablets).entries(&self.tools).entries(&self.pads).finish()
    }
}

impl Tablets {
    /// Announces the global for as long as the display lives.
    pub fn new<D>(display: &DisplayHandle) -> Self
    where
        D: GlobalDispatch<ZwpTabletManagerV2, ()>
            + Dispatch<ZwpTabletManagerV2, ()>
            + Dispatch<ZwpTabletSeatV2, ()>
            + Dispatch<ZwpTabletV2, Member>
            + Dispatch<ZwpTabletToolV2, Member>
            + Dispatch<ZwpTabletPadV2, Member>
            + Dispatch<ZwpTabletPadGroupV2, Member>
            + Dispatch<ZwpTabletPadRingV2, Member>
            + Dispatch<ZwpTabletPadStripV2, Member>
            + 'static,
    {
        display.create_global::<D, ZwpTabletManagerV2, ()>(2, ());
        let make = Make {
            display: display.clone(),
            tablet: make::<_, D>,
            tool: make::<_, D>,
            pad: make::<_, D>,
            group: make::<_, D>,
            ring: make::<_, D>,
            strip: make::<_, D>,
        };
        Self { make, seats: Vec::new(), tablets: Vec::new(), tools: Vec::new(), pads: Vec::new(), numbers: 0 }
    }

    /// A tablet has come.
    pub fn tablet_came(&mut self, about: TabletAbout) {
        let mut tablet = Tablet { about, objects: Vec::new() };
        self.seats.iter().for_each(|seat| tablet.tell(&self.make, seat));
        self.tablets.push(tablet);
    }

    /// A tablet has gone, and with it the tools that were used on it last. They have no focus any more, and no
    /// frame ends.
    pub fn tablet_went(&mut self, id: &str) {
        for tool in self.tools.extract_if(.., |tool| tool.tablet == id) {
            tool.objects.iter().for_each(|object| object.removed());
        }
        for tablet in self.tablets.extract_if(.., |tablet| tablet.about.id == id) {
            tablet.objects.iter().for_each(|object| object.removed());
        }
    }

    /// The number of tablets.
    pub fn count(&self) -> usize {
        self.tablets.len()
    }

    /// Whether there is a tablet of this id.
    pub fn has_tablet(&self, id: &str) -> bool {
        self.tablets.iter().any(|tablet| tablet.about.id == id)
    }

    /// A tool has come near a tablet: one that has a serial number is the same on each, and another is not.
    pub fn tool_came(&mut self, about: &TabletToolDescriptor, tablet: &str) -> ToolNumber {
        let is_it = |tool: &&mut Tool| tool.about == *about && (about.hardware_serial != 0 || tool.tablet == tablet);
        if let Some(tool) = self.tools.iter_mut().find(is_it) {
            tablet.clone_into(&mut tool.tablet);
            return tool.number;
        }
        if self.tools.len() >= TOOLS
            && let Some(away) = self.tools.iter().position(|tool| tool.focus.is_none())
        {
            self.tools.remove(away).objects.iter().for_each(|object| object.removed());
        }
        self.numbers += 1;
        let mut tool = Tool::new(ToolNumber(self.numbers), about.clone(), tablet.to_owned());
        self.seats.iter().for_each(|seat| tool.tell(&self.make, seat));
        let number = tool.number;
        self.tools.push(tool);
        number
    }

    /// A tool; `None`: it is gone.
    pub fn tool(&mut self, number: ToolNumber) -> Option<&mut Tool> {
        self.tools.iter_mut().find(|tool| tool.number == number)
    }

    /// The tool of an object whose client has it on one of its surfaces, and was told so with this serial.
    pub fn tool_of(&self, object: &ZwpTabletToolV2, serial: u32) -> Option<ToolNumber> {
        self.tools.iter().find(|tool| tool.is_on(object, serial)).map(|tool| tool.number)
    }

    /// Whether the client of a surface hears of a tool.
    pub fn hears(&self, number: ToolNumber, surface: &WlSurface) -> bool {
        let tool = self.tools.iter().find(|tool| tool.number == number);
        tool.is_some_and(|tool| self.pairs(tool, surface).next().is_some())
    }

    /// A tool is on this surface now, with the serial of that event. It must not be on another one.
    pub fn enter(&mut self, number: ToolNumber, surface: &WlSurface, serial: u32) {
        let Some(at) = self.tools.iter().position(|tool| tool.number == number) else { return };
        let pairs: Vec<_> = self.pairs(&self.tools[at], surface).collect();
        self.tools[at].enter(surface, serial, &pairs);
    }

    /// The objects of a tool that hear of a surface, each with that of its tablet.
    fn pairs<'a>(
        &'a self,
        tool: &'a Tool,
        surface: &'a WlSurface,
    ) -> impl Iterator<Item = (ZwpTabletToolV2, ZwpTabletV2)> + 'a {
        let id = surface.id();
        let objects = tool.objects.iter().filter(move |object| object.id().same_client_as(&id));
        objects.filter_map(|object| Some((object.clone(), self.tablet_of(&tool.tablet, number_of(object))?)))
    }

    /// A tablet as a tablet seat knows it.
    pub(super) fn tablet_of(&self, id: &str, seat: Option<u32>) -> Option<ZwpTabletV2> {
        let tablet = self.tablets.iter().find(|tablet| tablet.about.id == id)?;
        tablet.objects.iter().find(|object| number_of(*object) == seat).cloned()
    }

    /// A client wants to hear of tablets.
    pub(super) fn seat_came(&mut self, client: &Client, object: ZwpTabletSeatV2) {
        if self.objects_of(&client.id()) > OBJECTS {
            tracing::debug!("a client has {OBJECTS} objects of tablets that it has not destroyed: it is told no more");
            return;
        }
        self.numbers += 1;
        let seat = Seat { object, number: self.numbers };
        self.tablets.iter_mut().for_each(|tablet| tablet.tell(&self.make, &seat));
        self.tools.iter_mut().for_each(|tool| tool.tell(&self.make, &seat));
        self.pads.iter_mut().for_each(|pad| pad.tell(&self.make, &seat));
        self.seats.push(seat);
    }

    /// The number of objects of which something is kept.
    pub fn kept(&self) -> usize {
        let tablets = self.tablets.iter().map(|tablet| tablet.objects.len()).sum::<usize>();
        let tools = self.tools.iter().map(|tool| tool.objects.len()).sum::<usize>();
        self.seats.len() + tablets + tools + self.pads.iter().map(|pad| pad.ids().count()).sum::<usize>()
    }

    fn objects_of(&self, client: &ClientId) -> usize {
        let is_its = |id: ObjectId| self.make.display.backend_handle().get_client(id).is_ok_and(|of| of == *client);
        let tablets = self.tablets.iter().flat_map(|tablet| tablet.objects.iter().map(Resource::id));
        let tools = self.tools.iter().flat_map(|tool| tool.objects.iter().map(Resource::id));
        let pads = self.pads.iter().flat_map(Pad::ids);
        tablets.chain(tools).chain(pads).filter(|id| is_its(id.clone())).count()
    }
}
