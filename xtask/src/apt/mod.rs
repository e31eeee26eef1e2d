//! Reading Debian's and Ubuntu's archives without touching how the machine itself uses them.

pub mod private;
pub mod release;
pub mod sources;
