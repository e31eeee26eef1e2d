//! What a client says of a buffer, plane by plane, until it asks for the buffer
//! (`zwp_linux_buffer_params_v1`).
//!
//! Pure: planes come in any order, each once; holes and mixed modifiers are found when all are
//! taken. `T` is whatever stands for a plane's memory, a descriptor in the product. Makes no buffer
//! itself.

use crate::validate::Violation;

/// Most memory planes of a buffer.
pub const MAX_PLANES: usize = 4;

/// One plane as given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamsPlane<T> {
    /// The memory.
    pub memory: T,
    /// Bytes from the start of the memory.
    pub offset: u32,
    /// Bytes from line to line.
    pub stride: u32,
}

/// All planes of a complete description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompleteParams<T> {
    /// The layout, the same for all planes.
    pub modifier: u64,
    /// By index, without holes; one to four.
    pub planes: Vec<ParamsPlane<T>>,
}

/// A description that is being made.
#[derive(Debug, Clone)]
pub struct Request<T> {
    planes: [Option<ParamsPlane<T>>; MAX_PLANES],
    modifier: Option<u64>,
    /// The first modifier that is not the one of the plane given first.
    other: Option<u64>,
    used: bool,
}

impl<T> Default for Request<T> {
    fn default() -> Self {
        Self { planes: Default::default(), modifier: None, other: None, used: false }
    }
}

impl<T> Request<T> {
    /// Fails with [`Violation::Used`] once the planes have been taken.
    pub fn usable(&self) -> Result<(), Violation> {
        if self.used { Err(Violation::Used) } else { Ok(()) }
    }

    /// Adds a plane. Errors: [`Violation::Used`], [`Violation::PlaneIndex`],
    /// [`Violation::PlaneTwice`]; the plane is dropped then.
    pub fn add(&mut self, index: u32, plane: ParamsPlane<T>, modifier: u64) -> Result<(), Violation> {
        self.usable()?;
        let at = usize::try_from(index).ok().filter(|&at| at < MAX_PLANES).ok_or(Violation::PlaneIndex(index))?;
        if self.planes[at].is_some() {
            return Err(Violation::PlaneTwice { plane: at });
        }
        self.planes[at] = Some(plane);
        let first = *self.modifier.get_or_insert(modifier);
        if modifier != first {
            self.other.get_or_insert(modifier);
        }
        Ok(())
    }

    /// Takes the planes, once; the description is used from then on, whatever comes out.
    ///
    /// Errors: [`Violation::Used`], [`Violation::PlaneMissing`], [`Violation::Modifiers`].
    pub fn take(&mut self) -> Result<CompleteParams<T>, Violation> {
        self.usable()?;
        self.used = true;
        let planes = std::mem::take(&mut self.planes);
        let end = planes.iter().rposition(Option::is_some).map_or(1, |last| last + 1);
        if let Some(plane) = planes[..end].iter().position(Option::is_none) {
            return Err(Violation::PlaneMissing { plane });
        }
        let modifier = self.modifier.unwrap_or_default();
        if let Some(other) = self.other {
            return Err(Violation::Modifiers { first: modifier, other });
        }
        Ok(CompleteParams { modifier, planes: planes.into_iter().flatten().collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(memory: u8) -> ParamsPlane<u8> {
        ParamsPlane { memory, offset: u32::from(memory) * 16, stride: 64 }
    }

    fn given(planes: &[(u32, u64)]) -> Result<CompleteParams<u8>, Violation> {
        let mut request = Request::default();
        for &(index, modifier) in planes {
            request.add(index, plane(index as u8), modifier)?;
        }
        request.take()
    }

    #[test]
    fn planes_come_out_by_index() {
        let taken = given(&[(2, 7), (0, 7), (1, 7)]).unwrap();
        assert_eq!((taken.modifier, taken.planes), (7, vec![plane(0), plane(1), plane(2)]));
    }

    #[test]
    fn each_violation_is_named() {
        let missing = |plane| Err(Violation::PlaneMissing { plane });
        assert_eq!(given(&[]), missing(0));
        assert_eq!(given(&[(1, 0)]), missing(0));
        assert_eq!(given(&[(0, 0), (2, 0)]), missing(1));
        assert_eq!(given(&[(0, 0), (3, 0), (1, 0)]), missing(2));
        assert_eq!(given(&[(4, 0)]), Err(Violation::PlaneIndex(4)));
        assert_eq!(given(&[(u32::MAX, 0)]), Err(Violation::PlaneIndex(u32::MAX)));
        assert_eq!(given(&[(1, 0), (1, 0)]), Err(Violation::PlaneTwice { plane: 1 }));
        assert_eq!(given(&[(0, 1), (1, 1), (2, 3)]), Err(Violation::Modifiers { first: 1, other: 3 }));
        // A refused plane has no say in it.
        let mut request = Request::default();
        request.add(0, plane(0), 1).unwrap();
        request.add(0, plane(0), 2).unwrap_err();
        assert_eq!(request.take().map(|taken| taken.modifier), Ok(1));
    }

    #[test]
    fn it_is_used_once() {
        let mut request = Request::default();
        assert_eq!(request.take(), Err(Violation::PlaneMissing { plane: 0 }));
        assert_eq!(request.add(0, plane(0), 0), Err(Violation::Used));
        assert_eq!(request.take(), Err(Violation::Used));
        assert_eq!(request.usable(), Err(Violation::Used));
    }
}
