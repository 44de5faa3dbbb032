//! What pages read out of the JSON the topics carried, and what of it a role may see.
//!
//! The read model hands on `data` objects as they stood on the topic. Pages need a few of their fields, so these
//! types name those and leave the rest; a field that an older event does not have is `None` and the page
//! says "not given", never a made-up number.

pub(crate) mod action;
pub(crate) mod alert;
pub(crate) mod operations;
pub(crate) mod point;
pub(crate) mod project;
pub(crate) mod request;
pub(crate) mod safety;
