//! The comments of settings, for the file that `syncline config default` prints: they are written once,
//! at the field.

/// A table of the configuration with the comments of its keys.
pub trait Documented {
    /// Each field, by its name in the code, with the lines of its comment. Lines of other attributes are
    /// empty.
    const FIELDS: &'static [(&'static str, &'static [&'static str])];
}

/// Declares a struct as it is written, and implements [`Documented`] for it.
macro_rules! documented {
    ($(#[$outer:meta])* pub struct $name:ident {
        $($(#[$($attribute:tt)*])* pub $field:ident: $type:ty,)+
    }) => {
        $(#[$outer])*
        pub struct $name {
            $($(#[$($attribute)*])* pub $field: $type,)+
        }

        impl $crate::config::documented::Documented for $name {
            const FIELDS: &'static [(&'static str, &'static [&'static str])] = &[
                $((stringify!($field), &[$(comment!($($attribute)*)),*]),)+
            ];
        }
    };
}

/// The text of an attribute, if it is a comment.
macro_rules! comment {
    (doc = $text:literal) => {
        $text
    };
    ($($other:tt)*) => {
        ""
    };
}
