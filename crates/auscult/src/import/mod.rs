//! History from files: CSV or JSON Lines, plain or gzip, through a small map of columns.

pub mod event;
pub mod map;
pub mod rows;
