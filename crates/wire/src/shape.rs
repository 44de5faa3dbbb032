//! The shape of a boundary type as data: what JSON Schemas are written from.

/// What JSON a type reads and writes.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A string.
    Text,
    /// Bytes as base64.
    Bytes,
    /// An RFC 3339 time.
    Time,
    /// An integer in a range.
    Integer {
        /// Least value.
        least: i64,
        /// Greatest value.
        greatest: i64,
    },
    /// A finite number.
    Number,
    /// True or false.
    Boolean,
    /// Any JSON object with values of any kind.
    AnyObject,
    /// An object whose values are strings.
    TextMap,
    /// One word of a closed list.
    Words {
        /// Name of the vocabulary.
        name: &'static str,
        /// Every word.
        words: Vec<&'static str>,
    },
    /// A list.
    List(Box<Shape>),
    /// Two integers, from and to (exclusive).
    Span,
    /// The shape, or null.
    Nullable(Box<Shape>),
    /// Either of several shapes.
    Either(Vec<Shape>),
    /// An object with named fields.
    Record(RecordShape),
}

/// An object with named fields.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordShape {
    /// Name of the Rust type.
    pub name: &'static str,
    /// What it is.
    pub doc: String,
    /// Its fields, in writing order.
    pub fields: Vec<FieldShape>,
}

/// One field of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldShape {
    /// Name on the wire.
    pub name: &'static str,
    /// What it is.
    pub doc: String,
    /// Whether a reader may rely on it and a writer must send it.
    pub required: bool,
    /// Its shape.
    pub shape: Shape,
}
