//! One way to ask for the memory of an image, whatever provides it: heaps and shared memory here, a
//! display's dumb buffers in `kms`, GBM in the compositor.
//!
//! Never chooses: [`FirstOf`] asks in the order that it was made with, and its maker says what is
//! good enough.

use std::any::Any;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::heap::DmaHeap;
use crate::udmabuf::Udmabuf;
use crate::{CallError, Dmabuf, DmabufPlane, Fourcc, Modifier, formats};

/// Lines begin at multiples of so many bytes: what the pickiest of the displays and GPUs that are
/// known want of linear buffers.
const PITCH: u64 = 256;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct AllocationRequest<'a> {
    /// Pixels.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// The format.
    pub format: Fourcc,
    /// Layouts that all who are to use it take, best first.
    pub modifiers: &'a [Modifier],
}

/// What was given.
pub struct Allocated {
    /// The image, zeroed or not.
    pub dmabuf: Dmabuf,
    /// To be kept as long as the image is used, and dropped then.
    pub keep: Option<Box<dyn Any + Send>>,
}

impl From<Dmabuf> for Allocated {
    fn from(dmabuf: Dmabuf) -> Self {
        Self { dmabuf, keep: None }
    }
}

/// Why there is no memory: who was asked, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{who}: {why}")]
pub struct AllocateError {
    /// Its name.
    pub who: String,
    /// For people.
    pub why: String,
}

/// Somebody who has memory for images.
pub trait Allocator {
    /// Its name in errors and logs.
    fn name(&self) -> String;

    /// Gives an image, which is the caller's.
    fn allocate(&mut self, ask: &AllocationRequest<'_>) -> Result<Allocated, AllocateError>;

    /// An error of this allocator.
    fn refusal(&self, why: impl std::fmt::Display) -> AllocateError
    where
        Self: Sized,
    {
        AllocateError { who: self.name(), why: why.to_string() }
    }
}

impl Allocator for DmaHeap {
    fn name(&self) -> String {
        format!("dma-heap {}", DmaHeap::name(self))
    }

    fn allocate(&mut self, ask: &AllocationRequest<'_>) -> Result<Allocated, AllocateError> {
        linear(ask, |len| DmaHeap::allocate(self, len)).map_err(|why| self.refusal(why))
    }
}

impl Allocator for Udmabuf {
    fn name(&self) -> String {
        "udmabuf".to_owned()
    }

    fn allocate(&mut self, ask: &AllocationRequest<'_>) -> Result<Allocated, AllocateError> {
        linear(ask, |len| Udmabuf::allocate(self, len)).map_err(|why| self.refusal(why))
    }
}

/// A linear image, all planes in one dma-buf.
fn linear(
    ask: &AllocationRequest<'_>,
    memory: impl FnOnce(u64) -> Result<OwnedFd, CallError>,
) -> Result<Allocated, String> {
    if !ask.modifiers.contains(&Modifier::Linear) {
        return Err("it has linear memory only".to_owned());
    }
    let info = formats::info(ask.format).ok_or_else(|| format!("{} is not known", ask.format))?;
    let mut at = 0u64;
    let mut places = Vec::with_capacity(usize::from(info.planes));
    for plane in 0..usize::from(info.planes) {
        let stride = info.min_stride(plane, ask.width).next_multiple_of(PITCH);
        places.push((at, stride));
        at += stride * u64::from(info.plane_height(plane, ask.height));
    }
    let fd = Arc::new(memory(at).map_err(|e| e.to_string())?);
    let planes = places.into_iter().map(|(offset, stride)| {
        let small = |value: u64| u32::try_from(value).map_err(|_| "a picture of more than 4 GiB".to_owned());
        Ok(DmabufPlane { fd: fd.clone(), offset: small(offset)?, stride: small(stride)? })
    });
    let planes = planes.collect::<Result<Vec<_>, String>>()?;
    let dmabuf = Dmabuf::new(ask.width, ask.height, ask.format, Modifier::Linear, planes).map_err(|e| e.to_string())?;
    Ok(dmabuf.into())
}

/// Several, asked in order.
#[derive(Default)]
pub struct FirstOf<'a>(Vec<Box<dyn Allocator + 'a>>);

impl<'a> FirstOf<'a> {
    /// Adds one to be asked after the others.
    pub fn then(mut self, allocator: impl Allocator + 'a) -> Self {
        self.0.push(Box::new(allocator));
        self
    }

    /// The first image that `accept` makes something of; its errors are part of the one that is
    /// returned if none is accepted.
    pub fn allocate_for<T>(
        &mut self,
        ask: &AllocationRequest<'_>,
        mut accept: impl FnMut(Allocated) -> Result<T, String>,
    ) -> Result<T, AllocateError> {
        let mut refusals = Vec::with_capacity(self.0.len());
        for allocator in &mut self.0 {
            let made = allocator
                .allocate(ask)
                .and_then(|allocated| accept(allocated).map_err(|why| AllocateError { who: allocator.name(), why }));
            match made {
                Ok(made) => return Ok(made),
                Err(error) => refusals.push(error.to_string()),
            }
        }
        let why = if refusals.is_empty() { "no allocator was asked".to_owned() } else { refusals.join("; ") };
        Err(AllocateError { who: format!("{}x{} {}", ask.width, ask.height, ask.format), why })
    }
}

impl Allocator for FirstOf<'_> {
    fn name(&self) -> String {
        self.0.iter().map(|allocator| allocator.name()).collect::<Vec<_>>().join(", ")
    }

    fn allocate(&mut self, ask: &AllocationRequest<'_>) -> Result<Allocated, AllocateError> {
        self.allocate_for(ask, Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Memory that is none.
    struct Fake(&'static str);

    impl Allocator for Fake {
        fn name(&self) -> String {
            self.0.to_owned()
        }

        fn allocate(&mut self, ask: &AllocationRequest<'_>) -> Result<Allocated, AllocateError> {
            linear(ask, |len| Err(CallError::new("ALLOC", format!("{len} bytes"), rustix::io::Errno::NOMEM)))
                .map_err(|why| self.refusal(why))
        }
    }

    const ASK: AllocationRequest<'static> =
        AllocationRequest { width: 65, height: 3, format: Fourcc::Nv12, modifiers: &[Modifier::Linear] };

    #[test]
    fn whoever_refuses_is_named() {
        let mut all = FirstOf::default().then(Fake("one")).then(Fake("two"));
        let said = all.allocate(&ASK).err().unwrap().to_string();
        // Luma: 3 lines of 256; chroma: 2 lines of 66 bytes, so of 256.
        let each = "ALLOC on 1280 bytes";
        assert!(said.starts_with("65x3 NV12: one: ") && said.contains(each) && said.contains("two: "), "{said}");
        assert!(FirstOf::default().allocate(&ASK).is_err());
    }

    #[test]
    fn memory_without_tiles_has_none() {
        let ask = AllocationRequest { modifiers: &[Modifier::I915_x_tiled], ..ASK };
        let error = Fake("one").allocate(&ask).err().unwrap();
        assert_eq!(error.to_string(), "one: it has linear memory only");
    }
}
