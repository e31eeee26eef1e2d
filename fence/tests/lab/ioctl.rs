//! A file descriptor that nobody has open, as a careless caller passes it. The only `unsafe` of the
//! lab tests.
#![allow(unsafe_code)]

use std::os::fd::BorrowedFd;

/// The number as a file descriptor.
pub fn borrow(number: i32) -> (BorrowedFd<'static>, i32) {
    // SAFETY: nobody has it open, so nothing can be reached or closed through it; what the kernel
    // says to it is the test.
    (unsafe { BorrowedFd::borrow_raw(number) }, number)
}
