//! The layout knows the outputs, and surfaces are told which outputs they are on.

use smithay::utils::Rectangle;

use crate::{
    desktop::layout::workspace::OutputName,
    session::{
        Syncline,
        windows::{arrange::rect, scale},
    },
    surface::SurfaceState,
    system::{id::OutputId, scale::Scale},
};

impl Syncline {
    /// The outputs may have changed: windows go along with them.
    pub fn displays_changed(&mut self) {
        self.look_at_set();
        self.arrange_all_layers();
        self.place_lock_surfaces();
        let (layout, outputs) = (&mut self.desktop.layout, &self.outputs.list);
        let is_there = |name: &OutputName| outputs.on_desktop().any(|output| output.wl.name() == *name.0);
        let gone: Vec<_> = layout.outputs().iter().map(|output| output.name.clone()).filter(|n| !is_there(n)).collect();
        gone.iter().for_each(|name| layout.remove_output(name));
        for id in self.outputs.list.ids() {
            // Those that mirror others are not told.
            self.tell_layout(id);
        }
        self.desktop.layout.end_grab();
        self.arrange_windows();
        // Another output may be where the one was that a window covered.
        let covering = self.desktop.windows.mapped().filter(|window| window.area.is_some());
        let covering: Vec<_> = covering.map(|window| window.surface().clone()).collect();
        covering.iter().for_each(|surface| self.update_feedback(surface));
        self.pointer_stale = true;
        self.power_stale = true;
        self.displays.heads_stale = true;
        self.place_panels();
        self.refresh_night();
        self.redraw_all();
    }

    /// The layout hears where an output is, and what layer surfaces leave of it.
    pub fn tell_layout(&mut self, id: OutputId) {
        let Some(output) = self.outputs.list.get(id).filter(|output| output.mirror.is_none()) else { return };
        let (name, area, working) = (output.wl.name(), rect(output.rect()), rect(self.working_area(id)));
        self.desktop.layout.set_output(&OutputName(name.into()), area, working);
        self.layout_stale = true;
    }

    /// Whether the layout has the outputs where they are.
    pub fn layout_knows_outputs(&self) -> bool {
        let known = self.desktop.layout.outputs();
        let knows = |name: String, area| known.iter().any(|output| *output.name.0 == *name && output.area == area);
        let mut outputs = self.outputs.list.on_desktop();
        known.len() == self.outputs.list.on_desktop().count()
            && outputs.all(|output| knows(output.wl.name(), rect(output.rect())))
    }

    /// Sends surfaces the outputs that they are on, the highest scale of these, and how the one that shows most of
    /// them is turned.
    pub fn refresh_displays(&self) {
        for output in &self.outputs.list {
            output.wl.cleanup();
        }
        self.desktop.surfaces(|_, surface, states, at| {
            let rect = Rectangle::new(at, SurfaceState::of(states).view.size);
            let (mut most, mut highest) = ((0, None), None::<Scale>);
            for output in &self.outputs.list {
                match output.rect().intersection(rect) {
                    Some(Rectangle { size, .. }) => {
                        output.wl.enter(surface);
                        highest = highest.max(Some(output.scale));
                        let shown = i64::from(size.w) * i64::from(size.h);
                        if shown > most.0 {
                            most = (shown, Some(output.transform));
                        }
                    }
                    None => output.wl.leave(surface),
                }
            }
            if let ((_, Some(transform)), Some(highest)) = (most, highest) {
                scale::tell(surface, states, highest, transform);
            }
        });
    }
}
