//! An atomic request: objects, each with its properties, in arrays that are reused from frame to
//! frame.
//!
//! Building one allocates only until the arrays have reached their size. A request is filled in
//! this crate alone: it may hold addresses for the kernel, so nothing outside may put values into
//! it.

use std::fmt::{self, Write as _};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use crate::id::{ObjectId, PropertyId};

/// The most out-fences in one request: CRTCs and writeback connectors together.
pub const MAX_OUT_FENCES: usize = 16;

/// An out-fence that the request asks for.
#[derive(Debug)]
pub(crate) struct OutFence {
    /// Which value holds the address.
    pub(crate) value_index: usize,
    /// The CRTC or connector.
    pub(crate) object: ObjectId,
    /// What the kernel gave; taken out by [`Request::take_out_fence`].
    pub(crate) fd: Option<OwnedFd>,
}

/// A request under construction.
#[derive(Debug, Default)]
pub struct Request {
    pub(crate) objects: Vec<ObjectId>,
    pub(crate) counts: Vec<u32>,
    pub(crate) props: Vec<PropertyId>,
    pub(crate) values: Vec<u64>,
    pub(crate) fences: Vec<OutFence>,
}

impl Request {
    /// Room for `objects` objects with `props` properties altogether, so that building needs no
    /// allocation.
    pub fn with_capacity(objects: usize, props: usize) -> Self {
        Self {
            objects: Vec::with_capacity(objects),
            counts: Vec::with_capacity(objects),
            props: Vec::with_capacity(props),
            values: Vec::with_capacity(props),
            fences: Vec::with_capacity(MAX_OUT_FENCES),
        }
    }

    /// Empties the request; keeps the memory, closes out-fences that were not taken.
    pub(crate) fn clear(&mut self) {
        self.objects.clear();
        self.counts.clear();
        self.props.clear();
        self.values.clear();
        self.fences.clear();
    }

    /// Begins (or goes on with) the properties of `object`. An object that got no property is not
    /// sent.
    pub(crate) fn object(&mut self, object: impl Into<ObjectId>) {
        let object = object.into();
        if self.objects.last() == Some(&object) {
            return;
        }
        if self.counts.last() == Some(&0) {
            self.objects.pop();
            self.counts.pop();
        }
        self.objects.push(object);
        self.counts.push(0);
    }

    /// Sets a property of the object begun last.
    pub(crate) fn set(&mut self, prop: PropertyId, value: u64) {
        debug_assert!(!self.counts.is_empty(), "object() comes first");
        if let Some(count) = self.counts.last_mut() {
            *count += 1;
            self.props.push(prop);
            self.values.push(value);
        }
    }

    /// Sets `IN_FENCE_FD`. The descriptor stays the caller's and must be open at the ioctl.
    pub(crate) fn set_fence(&mut self, prop: PropertyId, fence: BorrowedFd<'_>) {
        self.set(prop, i64::from(fence.as_raw_fd()) as u64);
    }

    /// Asks for the out-fence of the object begun last.
    pub(crate) fn set_out_fence(&mut self, prop: PropertyId) {
        let Some(&object) = self.objects.last() else { return };
        self.fences.push(OutFence { value_index: self.values.len(), object, fd: None });
        self.set(prop, 0);
    }

    /// Ends the building: an object without properties at the end is taken off.
    pub(crate) fn finish(&mut self) {
        if self.counts.last() == Some(&0) {
            self.objects.pop();
            self.counts.pop();
        }
    }

    /// The out-fence of `object` after a successful commit. The caller owns it.
    pub(crate) fn take_out_fence(&mut self, object: impl Into<ObjectId>) -> Option<OwnedFd> {
        let object = object.into();
        self.fences.iter_mut().find(|fence| fence.object == object)?.fd.take()
    }

    /// All `(object, property, value)` in order.
    pub fn iter(&self) -> impl Iterator<Item = (ObjectId, PropertyId, u64)> + '_ {
        let objects = self.objects.iter().zip(&self.counts);
        let owners = objects.flat_map(|(&object, &count)| std::iter::repeat_n(object, count as usize));
        owners.zip(self.props.iter().zip(&self.values)).map(|(object, (&prop, &value))| (object, prop, value))
    }

    /// Number of properties.
    pub fn len(&self) -> usize {
        self.props.len()
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        self.props.is_empty()
    }

    /// Prints the request with names: `plane 31.FB_ID=45 crtc 40.OUT_FENCE_PTR=0`.
    pub fn display<'a>(&'a self, names: &'a Names) -> impl fmt::Display + 'a {
        Display { request: self, names }
    }
}

/// Names of objects and properties, for printing. Made once with an output.
#[derive(Debug, Default, Clone)]
pub struct Names {
    objects: Vec<(ObjectId, String)>,
    props: Vec<(PropertyId, String)>,
}

impl Names {
    /// Names an object.
    pub fn object(&mut self, id: impl Into<ObjectId>, name: impl Into<String>) {
        self.objects.push((id.into(), name.into()));
    }

    pub(crate) fn knows(&self, object: impl Into<ObjectId>) -> bool {
        let object = object.into();
        self.objects.iter().any(|(known, _)| *known == object)
    }

    /// Takes over all names of another output.
    pub(crate) fn extend(&mut self, other: &Self) {
        self.objects.extend_from_slice(&other.objects);
        other.props.iter().for_each(|(id, name)| self.prop(*id, name));
    }

    /// Names a property. Properties of one name may have one id for all objects of a kind.
    pub fn prop(&mut self, id: PropertyId, name: &str) {
        if !self.props.iter().any(|(known, _)| *known == id) {
            self.props.push((id, name.to_owned()));
        }
    }
}

struct Display<'a> {
    request: &'a Request,
    names: &'a Names,
}

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (object, prop, value)) in self.request.iter().enumerate() {
            if at > 0 {
                f.write_char(' ')?;
            }
            match self.names.objects.iter().find(|(known, _)| *known == object) {
                Some((_, name)) => f.write_str(name)?,
                None => write!(f, "object {object}")?,
            }
            match self.names.props.iter().find(|(known, _)| *known == prop) {
                Some((_, name)) => write!(f, ".{name}={}", value as i64)?,
                None => write!(f, ".{prop}={}", value as i64)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn object(raw: u32) -> ObjectId {
        ObjectId::from_raw(raw)
    }

    fn prop(raw: u32) -> PropertyId {
        PropertyId::from_raw(raw)
    }

    #[test]
    fn objects_without_properties_are_not_sent() {
        let mut request = Request::with_capacity(4, 8);
        request.object(object(1));
        request.object(object(2));
        request.set(prop(20), 5);
        request.object(object(2));
        request.set(prop(21), 6);
        request.object(object(3));
        request.finish();
        assert_eq!((request.objects.as_slice(), request.counts.as_slice()), (&[object(2)][..], &[2][..]));
        assert_eq!(request.iter().collect::<Vec<_>>(), [(object(2), prop(20), 5), (object(2), prop(21), 6)]);
    }

    #[test]
    fn prints_names_signs_and_what_it_does_not_know() {
        let mut names = Names::default();
        names.object(object(31), "plane 31");
        names.prop(prop(8), "CRTC_X");
        let mut request = Request::default();
        request.object(object(31));
        request.set(prop(8), -5i64 as u64);
        request.object(object(40));
        request.set(prop(9), 1);
        assert_eq!(request.display(&names).to_string(), "plane 31.CRTC_X=-5 object 40.9=1");
    }

    #[test]
    fn building_again_keeps_the_memory() {
        let fd = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC).unwrap();
        let mut request = Request::with_capacity(2, 4);
        let before = (request.props.as_ptr(), request.values.as_ptr(), request.objects.as_ptr());
        for _ in 0..3 {
            request.clear();
            request.object(object(1));
            request.set_fence(prop(2), fd.as_fd());
            request.object(object(3));
            request.set_out_fence(prop(4));
            request.finish();
            assert_eq!(request.len(), 2);
            assert_eq!(request.iter().next(), Some((object(1), prop(2), fd.as_raw_fd() as u64)));
        }
        assert_eq!(before, (request.props.as_ptr(), request.values.as_ptr(), request.objects.as_ptr()));
    }
}
